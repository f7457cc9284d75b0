import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONDITIONS, type ConditionCode, type RaisedCondition } from '../../shared/conditions.ts';
import { defaultProfile } from '../../shared/profile.ts';
import { PHASES } from '../../shared/status.ts';
import { emptyTypeFacts, type Facts } from './facts.ts';
import { derivePhase, type DerivedPhase } from './status.ts';
import { NOW, pendingOf, restingFacts, syncedType } from './testing/facts.ts';

const say = (ms: number): string => `<${(ms - NOW) / 1000}>`;
const raised = (code: ConditionCode, since = NOW): RaisedCondition => ({ code, since, values: {} });
const phase = (change: Partial<Facts> = {}, conditions: readonly RaisedCondition[] = []): DerivedPhase =>
  derivePhase(restingFacts(change), conditions, NOW, say);
const suspended = { profile: { ...defaultProfile(), suspendCollection: true } };

describe('the phase that status shows', () => {
  it('names every state in its own word, what is in the way of work before the work', () => {
    const busy: Partial<Facts> = {
      ...suspended,
      pending: pendingOf(),
      collecting: 'Inventory',
      provisioned: false,
    };
    expect(phase({ ...busy, exchanging: 'provision' }).phase).toBe('provisioning');
    expect(phase(busy).phase).toBe('not provisioned');
    const on = { ...busy, provisioned: true };
    expect(phase(on, [raised('PLATFORM_TLS')]).phase).toBe('error');
    expect(phase(on).phase).toBe('scanning');
    expect(phase({ ...on, collecting: null }).phase).toBe('uploading');
    expect(phase({ ...on, collecting: null, pending: null }).phase).toBe('suspended');
    expect(phase().phase).toBe('up to date');
    expect(phase({ types: { Inventory: emptyTypeFacts } }).phase).toBe('idle');
  });

  it('says what is collected and how far the upload is', () => {
    expect(phase({ collecting: 'UDC' }).sentence).toBe('Collecting UDC.');
    expect(phase({ pending: pendingOf({ chunksSent: 2 }) }).sentence).toBe(
      'Uploading Inventory: 2 of 4 chunks.',
    );
    expect(phase(suspended).sentence).toBe('Collection is suspended by the configuration profile.');
  });

  it('calls only an error that stops uploads an error', () => {
    expect(phase({}, [raised('PROFILE_INVALID')]).phase).toBe('up to date');
    expect(phase({}, [raised('PLATFORM_UNREACHABLE', NOW - 60_000)]).phase).toBe('up to date');
    const worst = phase({}, [raised('PROFILE_INVALID'), raised('PLATFORM_KEY_MISMATCH')]);
    expect(worst).toEqual({ phase: 'error', sentence: 'Another platform key.' });
  });

  it('R054 says why this host is not registered and when it tries again', () => {
    const provisioning = { failures: 1, nextAt: NOW + 60_000 };
    expect(phase({ provisioned: false, provisioning }, [raised('KEY_EXPIRED')]).sentence).toBe(
      'Not registered with a platform. Activation key expired. Next attempt at <60>.',
    );
    expect(phase({ provisioned: false }).sentence).toBe('Not registered with a platform.');
    expect(phase({ provisioned: false, provisioning, configured: false }).sentence).toBe(
      'Not registered with a platform.',
    );
    expect(phase({ provisioned: false, exchanging: 'provision' }).sentence).toBe(
      'Registering with the platform.',
    );
    expect(phase({ provisioned: false, exchanging: 'heartbeat' }).phase).toBe('not provisioned');
  });

  it('says that the platform removed this agent', () => {
    expect(phase({ uninstalled: true }, [raised('UNINSTALLED')])).toEqual({
      phase: 'not provisioned',
      sentence: 'The platform has removed this agent.',
    });
  });

  it('counts what is in sync of what can be collected', () => {
    const activeTypes = ['Inventory', 'Vulnerability', 'UDC', 'SCA'] as const;
    const types = {
      Inventory: syncedType(0, { rows: 5 }),
      Vulnerability: syncedType(0, { rows: 7 }),
      UDC: syncedType(0, { seq: 0 }),
      SCA: emptyTypeFacts,
    };
    expect(phase({ activeTypes, types }).sentence).toBe('Waiting: 2 of 3 manifests are in sync.');
    expect(phase({ activeTypes: ['Inventory', 'Vulnerability'], types })).toEqual({
      phase: 'up to date',
      sentence: 'Up to date: 12 rows of 2 manifests are in sync.',
    });
    expect(phase({ activeTypes: ['SCA'], types }).sentence).toBe('Waiting: 0 of 0 manifests are in sync.');
  });

  it('always is one of the known words with a sentence, whatever the facts are', () => {
    const codes = Object.keys(CONDITIONS) as ConditionCode[];
    fc.assert(
      fc.property(
        fc.record({
          provisioned: fc.boolean(),
          uninstalled: fc.boolean(),
          configured: fc.boolean(),
          collecting: fc.constantFrom('SCA', null),
          pending: fc.constantFrom(pendingOf(), null),
          exchanging: fc.constantFrom('provision', 'records', null),
          activeTypes: fc.subarray(['Inventory', 'SCA', 'FIM'] as const),
        }),
        fc.subarray(codes),
        fc.nat(120_000),
        (change, active, age) => {
          const derived = phase(
            change,
            active.map((code) => raised(code, NOW - age)),
          );
          expect(PHASES).toContain(derived.phase);
          expect(derived.sentence).toMatch(/\.$/);
        },
      ),
    );
  });
});
