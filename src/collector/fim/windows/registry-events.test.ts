import { describe, expect, it } from 'vitest';
import { FimRuleParams, type FimRule } from '../../../shared/file-integrity.ts';
import { FimEvent } from '../../../shared/host-events.ts';
import { CHAIN_START, sealEvent } from '../../../wire/event-chain.ts';
import type { RegistryChange } from './audit-events.ts';
import { RegistryRules } from './registry-events.ts';

const ID = '6f0b2b0a-6f3e-4c1c-9a53-0f6e5f4f2f10';
const WINLOGON = 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon';

const ruleOn = (params: Readonly<Record<string, unknown>>): FimRule => ({
  ...FimRuleParams.parse({ kind: 'registry', path: `HKLM\\${WINLOGON}`, ...params }),
  id: 'rule',
});
const change = (more: Partial<RegistryChange> = {}): RegistryChange => ({
  kind: 'registry',
  at: 1_000,
  key: `HKLM\\${WINLOGON}`,
  value: 'Shell',
  operation: 'change',
  before: 'explorer.exe',
  after: 'evil.exe --password=hunter2',
  process: { pid: 7, executable: 'C:\\Windows\\regedit.exe' },
  user: { id: 'S-1-5-21-1', name: 'CORP\\anna' },
  ...more,
});
const event = (params: Readonly<Record<string, unknown>> = {}, more: Partial<RegistryChange> = {}) =>
  new RegistryRules([ruleOn(params)], () => ID).event(change(more), false);

describe('rules of file integrity on the registry', () => {
  it('R199 R206 make events in the shared form, from the Security log', () => {
    const made = event({ diff: true, severity: 'critical' });
    expect(made).toMatchObject({
      event: { category: ['registry'], type: ['change'], action: 'updated', severity: 4 },
      file: { path: `HKLM\\${WINLOGON}\\Shell`, type: 'registry' },
      registry: { hive: 'HKLM', key: WINLOGON, value: 'Shell' },
      wayfarer: { detected: 'live', changed: ['content'], actor: { state: 'known' } },
    });
    if (made === undefined) throw new Error('no event');
    const { body } = sealEvent(made, { id: ID, sequence: 0, hash: CHAIN_START });
    expect(FimEvent.parse(JSON.parse(body))).toEqual(JSON.parse(body));
  });

  it('say how a value came to be known that was set while the agent was off', () => {
    const rules = new RegistryRules([ruleOn({})], () => ID);
    expect(rules.event(change(), true)?.wayfarer.detected).toBe('baseline');
  });

  it.each([
    ['creation', 'created', 'create'],
    ['change', 'updated', 'content'],
    ['deletion', 'deleted', 'delete'],
  ] as const)('R206 tell of a %s as %s where that is wanted', (operation, action, wanted) => {
    expect(event({ events: [wanted] }, { operation })?.event.action).toBe(action);
    expect(event({ events: ['rename'] }, { operation })).toBeUndefined();
  });

  it('show the data of a value only where a rule has differences shown, secrets never', () => {
    expect(JSON.stringify(event())).not.toContain('evil.exe');
    const shown = event({ diff: true });
    expect(shown?.registry?.data?.strings[0]).toContain('evil.exe');
    expect(JSON.stringify(shown)).not.toContain('hunter2');
    const named = event({ diff: true }, { value: 'DefaultPassword' });
    expect(named?.registry).not.toHaveProperty('data');
    expect(named?.wayfarer.no_diff).toBe('a value that holds secrets');
    expect(event({ diff: true, secrets: ['Shell'] })?.wayfarer.no_diff).toBe('a value that holds secrets');
    const long = event({ diff: true, diffMaxKb: 1 }, { after: 'x '.repeat(513) });
    expect([long?.registry?.data, long?.wayfarer.no_diff]).toEqual([undefined, 'longer than is shown']);
    expect(event({ diff: true }, { operation: 'deletion', after: '' })?.registry).not.toHaveProperty('data');
  });

  it.each([
    [{ path: 'HKEY_LOCAL_MACHINE\\software\\microsoft' }, {}, true],
    [{ path: 'HKLM\\SOFTWARE\\Microsoft', recursive: false }, {}, false],
    [{ path: `HKLM\\${WINLOGON}\\Shell` }, {}, true],
    [{ path: `HKLM\\${WINLOGON}\\Userinit` }, {}, false],
    [{ include: ['user*'] }, {}, false],
    [{ exclude: ['SHELL'] }, {}, false],
    [{ path: 'HKCU\\Software' }, { key: 'HKU\\S-1-5-21-9\\Software\\x' }, true],
    [{ path: 'HKLM\\SYSTEM\\CurrentControlSet' }, { key: 'HKLM\\SYSTEM\\ControlSet001\\Services' }, true],
    [{ excludeUsers: ['corp\\ANNA'] }, {}, false],
    [{ excludeProcesses: ['c:\\windows\\*.exe'] }, {}, false],
    [{ excludeProcesses: ['c:\\*.exe'] }, {}, true],
  ])('R206 cover what they name: %o of %o is %s', (params, more, is) => {
    expect(event(params, more) !== undefined).toBe(is);
  });
});
