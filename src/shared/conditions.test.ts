import { describe, expect, it } from 'vitest';
import type { ConditionSpec } from './condition-spec.ts';
import {
  CONDITIONS,
  conditionText,
  visibleConditions,
  type ConditionCode,
  type RaisedCondition,
} from './conditions.ts';

const specs: [string, ConditionSpec][] = Object.entries(CONDITIONS);
const raised = (code: ConditionCode, since = 0): RaisedCondition => ({ code, since, values: {} });
const codesAt = (list: RaisedCondition[], now: number): string[] =>
  visibleConditions(list, now).map(({ code }) => code);
const LATER = 1_000_000;

describe('the list of conditions', () => {
  it.each(specs)('says for %s how grave it is, what it is and what follows', (_, spec) => {
    expect(['info', 'warning', 'error']).toContain(spec.severity);
    expect(spec.title).toMatch(/^[A-Z].*[^.]$/);
    expect(spec.text.replace(/\{\w+\}/g, 'X')).toMatch(/^[A-Z][^{}]*\.$/);
  });

  it('names only conditions that exist as causes of others', () => {
    for (const [code, spec] of specs) {
      for (const cause of spec.dependsOn ?? []) {
        expect(Object.keys(CONDITIONS)).toContain(cause);
        expect(cause).not.toBe(code);
      }
    }
  });

  it('says of everything that keeps the host from registering that nothing is sent', () => {
    const stops = specs.filter(([, spec]) => spec.stopsUploads === true).map(([code]) => code);
    expect(stops).toEqual(
      expect.arrayContaining([
        ...[
          'NOT_CONFIGURED',
          'CONFIG_INVALID',
          'HOST_ID_INVALID',
          'KEY_UNKNOWN',
          'KEY_EXPIRED',
          'KEY_EXHAUSTED',
        ],
        ...[
          'CUSTOMER_UNKNOWN',
          'AGENT_ID_IN_USE',
          'PROVISIONING_FAILED',
          'PLATFORM_UNREACHABLE',
          'PLATFORM_TLS',
        ],
        ...['PLATFORM_REPLY_INVALID', 'PLATFORM_KEY_MISMATCH', 'PLATFORM_ERROR'],
      ]),
    );
    for (const code of [
      'CONFIG_IGNORED',
      'CLOCK_SKEW',
      'PROFILE_CLAMPED',
      'TABLE_ERRORS',
      'COLLECTOR_DOWN',
      'DISK_FULL',
      'RESYNC',
    ]) {
      expect(stops).not.toContain(code);
    }
  });
});

describe('conditionText', () => {
  it('puts every value in its place, and a question mark where one is missing', () => {
    const values = { platform: 'https://p', reason: '{next} $& $1', step: 'Look', other: 'x' };
    expect(conditionText('PLATFORM_UNREACHABLE', values)).toBe(
      'https://p did not answer: {next} $& $1. Look; next attempt ?.',
    );
  });

  it('replaces a name that occurs twice both times, and leaves a text without names as it is', () => {
    expect(conditionText('KEY_UNKNOWN', { activationId: 'k', next: 'n' })).toBe(
      'The platform does not know the activation key k. Check ActivationId; next attempt n.',
    );
  });
});

describe('visibleConditions', () => {
  it('shows errors first, then warnings, then the rest', () => {
    const list = [raised('RESYNC'), raised('PROFILE_CLAMPED', 5), raised('DISK_FULL', 9)];
    expect(codesAt(list, LATER)).toEqual(['DISK_FULL', 'PROFILE_CLAMPED', 'RESYNC']);
    expect(codesAt([...list].reverse(), LATER)).toEqual(['DISK_FULL', 'PROFILE_CLAMPED', 'RESYNC']);
  });

  it('shows the oldest first among equals, and goes by the code where even that is equal', () => {
    const list = [raised('DISK_FULL', 9), raised('PROFILE_INVALID', 3), raised('MANIFEST_INVALID', 3)];
    const expected = ['MANIFEST_INVALID', 'PROFILE_INVALID', 'DISK_FULL'];
    expect(codesAt(list, LATER)).toEqual(expected);
    expect(codesAt([...list].reverse(), LATER)).toEqual(expected);
  });

  it('hides a blip until it has lasted', () => {
    const list = [raised('PLATFORM_UNREACHABLE', 1000), raised('PLATFORM_ERROR', 1001)];
    expect(codesAt(list, 30_999)).toEqual([]);
    expect(codesAt(list, 31_000)).toEqual(['PLATFORM_UNREACHABLE']);
    expect(codesAt(list, 31_001)).toEqual(['PLATFORM_UNREACHABLE', 'PLATFORM_ERROR']);
    expect(codesAt([raised('COLLECTOR_DOWN', 0)], 4_999)).toEqual([]);
    expect(codesAt([raised('COLLECTOR_DOWN', 0)], 5_000)).toEqual(['COLLECTOR_DOWN']);
  });

  it('shows at once what has no delay', () => {
    expect(codesAt([raised('DISK_FULL', 7)], 7)).toEqual(['DISK_FULL']);
  });

  it('hides the consequence of a cause that is shown, and shows it alone', () => {
    const consequence = raised('PLATFORM_REPLY_INVALID');
    expect(codesAt([consequence], LATER)).toEqual(['PLATFORM_REPLY_INVALID']);
    expect(codesAt([consequence, raised('PLATFORM_KEY_MISMATCH')], LATER)).toEqual(['PLATFORM_KEY_MISMATCH']);
    expect(codesAt([consequence, raised('DISK_FULL')], LATER)).toHaveLength(2);
  });

  it('leaves the list it was given as it was', () => {
    const list = [raised('RESYNC'), raised('DISK_FULL')];
    visibleConditions(list, LATER);
    expect(list.map(({ code }) => code)).toEqual(['RESYNC', 'DISK_FULL']);
  });
});
