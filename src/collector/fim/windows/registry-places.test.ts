import { describe, expect, it } from 'vitest';
import { DoubledRegistry } from './testing/doubled-registry.ts';
import { look, rule, RUN, separateBaselines } from './testing/registry-runs.ts';

const ANNA = 'HKU\\S-1-5-21-1';

separateBaselines();

describe('names and places of registry values', () => {
  it('R206 below HKCU those of every loaded user are meant, their classes included, by the real names', async () => {
    const registry = new DoubledRegistry()
      .set(`${ANNA}\\Software\\App`, 'v', 'a')
      .set('HKU\\.DEFAULT\\Software\\App', 'v', 'a')
      .link('HKU\\S-1-5-18', 'HKU\\.DEFAULT')
      .set(`${ANNA}_Classes\\CLSID`, 'v', 'a')
      .link(`${ANNA}\\Software\\Classes`, `${ANNA}_Classes`);
    const rules = [rule('user', 'HKCU\\Software')];
    await look(registry, rules);
    registry.set(`${ANNA}\\Software\\App`, 'n', 'x').set(`${ANNA}_Classes\\CLSID`, 'n', 'x');
    registry.set('HKU\\.DEFAULT\\Software\\App', 'n', 'x');
    expect((await look(registry, rules)).toSorted()).toEqual([
      'created HKU\\.DEFAULT\\Software\\App\\n baseline',
      'created HKU\\S-1-5-21-1\\Software\\App\\n baseline',
      'created HKU\\S-1-5-21-1_Classes\\CLSID\\n baseline',
    ]);
  });

  it.each(['HKCU\\Software', `${ANNA}\\Software`, 'HKU'])(
    'a user who logs off takes no value of %s away, and one who logs on for the first time brings none',
    async (path) => {
      const registry = new DoubledRegistry().set(`${ANNA}\\Software\\App`, 'v', 'a');
      const rules = [rule('user', path)];
      await look(registry, rules);
      registry.deleteKey(ANNA);
      registry.set('HKU\\S-1-5-21-2\\Software\\App', 'v', 'a');
      expect(await look(registry, rules)).toEqual([]);
      registry.set(`${ANNA}\\Software\\App`, 'v', 'other');
      expect(await look(registry, rules)).toEqual(['updated HKU\\S-1-5-21-1\\Software\\App\\v baseline']);
    },
  );

  it('the set of control in use stands under its number, and another one that comes into use is no change', async () => {
    const registry = new DoubledRegistry()
      .set('HKLM\\SYSTEM\\Select', 'Current', Buffer.of(1, 0, 0, 0), 4)
      .link('HKLM\\SYSTEM\\CurrentControlSet', 'HKLM\\SYSTEM\\ControlSet001')
      .set('HKLM\\SYSTEM\\ControlSet001\\Control\\Lsa', 'v', 'a')
      .set('HKLM\\SYSTEM\\ControlSet002\\Control\\Lsa', 'v', 'b');
    const rules = [rule('lsa', 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa')];
    await look(registry, rules);
    registry.set('HKLM\\SYSTEM\\ControlSet001\\Control\\Lsa', 'v', 'other');
    expect(await look(registry, rules)).toEqual([
      'updated HKLM\\SYSTEM\\ControlSet001\\Control\\Lsa\\v baseline',
    ]);
    registry.set('HKLM\\SYSTEM\\Select', 'Current', Buffer.of(2, 0, 0, 0), 4);
    expect(await look(registry, rules)).toEqual([]);
    registry.set('HKLM\\SYSTEM\\ControlSet002\\Control\\Lsa', 'v', 'c');
    expect(await look(registry, rules)).toEqual([
      'updated HKLM\\SYSTEM\\ControlSet002\\Control\\Lsa\\v baseline',
    ]);
  });

  it('names of performance counters are not asked for', async () => {
    const counters = 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Perflib';
    const registry = new DoubledRegistry().set(`${counters}\\009`, 'Counter', 'a').set(counters, 'v', 'a');
    const rules = [rule('all', 'HKLM\\SOFTWARE')];
    await look(registry, rules);
    registry.set(`${counters}\\009`, 'Counter', 'b').set(counters, 'v', 'b');
    expect(await look(registry, rules)).toEqual([`updated ${counters}\\v baseline`]);
  });

  it('a link below a rule is what it is, and not what it leads to', async () => {
    const registry = new DoubledRegistry().set('HKLM\\OTHER', 'v', 'a').link(`${RUN}\\Link`, 'HKLM\\OTHER');
    const rules = [rule('run', RUN)];
    await look(registry, rules);
    registry.set('HKLM\\OTHER', 'v', 'b').link(`${RUN}\\Link`, 'HKLM\\ELSE');
    expect(await look(registry, rules)).toEqual([
      'updated HKLM\\SOFTWARE\\Run\\Link\\SymbolicLinkValue baseline',
    ]);
  });
});
