import { describe, expect, it } from 'vitest';
import { EdrEvent } from '../../shared/host-events.ts';
import { sealEvent, CHAIN_START } from '../../wire/event-chain.ts';
import { registryKey, type RegistryChange } from '../fim/windows/audit-events.ts';
import { hasHive, registryEvent, shortKey } from './registry-rules.ts';

const ID = '6f0b2b0a-6f3e-4c1c-9a53-0f6e5f4f2f10';
const RUN = 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run';

const change = (more: Partial<RegistryChange> = {}): RegistryChange => ({
  kind: 'registry',
  at: 1_000,
  key: `HKLM\\${RUN}`,
  value: 'Updater',
  operation: 'creation',
  before: '',
  after: 'C:\\x.exe',
  process: { pid: 7 },
  ...more,
});
const event = (named: string, more?: Partial<RegistryChange>) =>
  registryEvent(change(more), [{ id: 'r', severity: 'high', keys: [named] }], () => ID);

describe('registry values under rules of process events', () => {
  it('R201 become events that name hive, key and value, and keep to the shared form', () => {
    const made = event(`HKLM\\${RUN}`);
    expect(made).toMatchObject({
      event: { action: 'registry_value_set', type: ['creation'] },
      registry: { hive: 'HKLM', key: RUN, value: 'Updater' },
      wayfarer: { item: `HKLM\\${RUN}\\Updater` },
    });
    if (made === undefined) throw new Error('no event');
    const { body } = sealEvent(made, { id: ID, sequence: 0, hash: CHAIN_START });
    expect(EdrEvent.parse(JSON.parse(body))).toEqual(JSON.parse(body));
    expect(body).not.toContain('x.exe');
  });

  it.each([
    ['HKEY_LOCAL_MACHINE\\software\\', `HKLM\\${RUN}`, true],
    ['HKLM\\SOFTWARE\\Micro', `HKLM\\${RUN}`, false],
    ['HKCU\\SOFTWARE', `HKU\\S-1-5-21-1\\${RUN}`, true],
    ['HKEY_CURRENT_USER\\SOFTWARE', `HKU\\S-1-5-21-1\\${RUN}`, true],
    ['HKU\\S-1-5-21-2', `HKU\\S-1-5-21-1\\${RUN}`, false],
    ['hku', `HKU\\S-1-5-21-1\\${RUN}`, true],
    ['HKCU\\SOFTWARE', `HKLM\\${RUN}`, false],
    ['HKCU\\Software\\Classes', 'HKU\\S-1-5-21-1_Classes\\CLSID\\{1}', true],
    ['HKU\\S-1-5-21-1\\SOFTWARE\\Classes\\CLSID', 'HKU\\S-1-5-21-1_Classes\\CLSID\\{1}', true],
    ['HKU\\S-1-5-21-2\\SOFTWARE\\Classes', 'HKU\\S-1-5-21-1_Classes\\CLSID\\{1}', false],
    ['HKCU\\CLSID', 'HKU\\S-1-5-21-1_Classes\\CLSID\\{1}', false],
    ['HKLM\\SYSTEM\\CurrentControlSet\\Services', 'HKLM\\SYSTEM\\ControlSet001\\Services\\x', true],
    ['HKLM\\SYSTEM\\ControlSet002', 'HKLM\\SYSTEM\\ControlSet001\\Services\\x', false],
  ])('are those below the key %s in any case and spelling: %s is %s', (named, key, is) => {
    expect(event(named, { key }) !== undefined).toBe(is);
  });

  it('know the hives by both names', () => {
    expect(shortKey('hkey_users\\S-1-5-18\\')).toBe('HKU\\S-1-5-18');
    expect(shortKey('hklm\\Software')).toBe('HKLM\\Software');
    expect(['HKCR\\x', 'C:\\x', 'HKLMX\\a'].map(hasHive)).toEqual([false, false, false]);
    expect(['HKCU', 'HKEY_LOCAL_MACHINE\\x'].map(hasHive)).toEqual([true, true]);
    expect(registryKey('\\REGISTRY\\USER\\S-1-5-18\\x')).toBe('HKU\\S-1-5-18\\x');
  });

  it('R201 are sealed however long their names are and whatever stands where they are cut', () => {
    for (const more of ['', 'b', '\u{1f600}', 'b\u{1f600}', '%', 'b%', 'bb%', '\ud800']) {
      const made = event('HKLM', { key: `HKLM\\${more.repeat(5_000)}`, value: more.repeat(2_000) });
      if (made === undefined) throw new Error('no event');
      expect(() => sealEvent(made, { id: ID, sequence: 0, hash: CHAIN_START })).not.toThrow();
      expect(made.registry?.value).not.toMatch(/%[0-9A-F]?$/);
    }
  });
});
