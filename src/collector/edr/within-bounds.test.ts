import { describe, expect, it } from 'vitest';
import { EVENT_LIMITS, type EventProcess } from '../../shared/host-events.ts';
import { RegistryRules } from '../fim/windows/registry-events.ts';
import { ruleWith } from '../fim/testing/fim-rules.ts';
import { edrRecord } from './record.ts';
import { withinBounds } from './within-bounds.ts';

const LONG = 'C:\\' + '漢'.repeat(16_000);
const process: EventProcess = {
  pid: 7,
  executable: LONG,
  command_line: '漢'.repeat(8_000),
  parent: { pid: 1, executable: LONG },
};
const bytes = (event: unknown): number => Buffer.byteLength(JSON.stringify(event), 'utf8');

describe('the bound of an event of Windows', () => {
  it('leaves alone what is within it', () => {
    const event = edrRecord({ id: 'a', at: 0, action: 'process_started', provider: 'x', severity: 'low' });
    expect(withinBounds(event)).toBe(event);
  });

  it('holds for process events with the longest names', () => {
    const parts = { id: 'a', at: 0, provider: 'x', severity: 'low' as const, process };
    const event = edrRecord({ ...parts, action: 'process_started' });
    expect(bytes(event)).toBeGreaterThan(EVENT_LIMITS.bytes);
    const brief = withinBounds(event);
    expect(bytes(brief)).toBeLessThan(EVENT_LIMITS.bytes / 2);
    expect(brief).toMatchObject({ process: { pid: 7, executable: '漢'.repeat(1_024) } });
  });

  it('holds for values of the registry with the longest names and data', () => {
    const rule = ruleWith({ kind: 'registry', path: 'HKLM', diff: true, diffMaxKb: 64 });
    const change = {
      kind: 'registry',
      at: 0,
      key: `HKLM\\${'漢'.repeat(16_000)}`,
      value: '漢'.repeat(16_000),
      operation: 'change',
      before: '',
      after: '漢'.repeat(10_000),
      process,
    } as const;
    const event = new RegistryRules([rule], () => 'a').event(change, false);
    if (event === undefined) throw new Error('no event');
    const brief = withinBounds(event);
    expect(bytes(brief)).toBeLessThan(EVENT_LIMITS.bytes - 2_048);
    expect(brief).toMatchObject({ wayfarer: { no_diff: 'too long', actor: { process: { pid: 7 } } } });
    expect(brief).not.toHaveProperty('registry.data');
  });
});
