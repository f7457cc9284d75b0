import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { FakeClock } from '../../agent/testing/fake-clock.ts';
import { loadKoffi } from '../koffi.ts';
import { loadRegistryApi, openRegistryKey, type RegistryApi } from '../registry.ts';
import { registryScanKeys } from './registry-keys.ts';
import { loadRegistryNotify, LOOK_MS, type RegistryNotifyApi } from './registry-signs.ts';
import { DEBOUNCE_MS, POLL_MS } from './watch-keys.ts';

const ROOT = 'SOFTWARE\\Wayfarer\\Agent\\ScanOnDemand';
const noCompiler = noProgram('gcc', 'gcc libc6-dev');

/** The registry in memory, with the types and error numbers of Windows; a value is a number, a text, or of a third type. */
function memory(values: Record<string, number | string | null>): RegistryApi {
  const kept = new Map(Object.entries(values));
  return {
    getValue: (_root, key, name, _flags, type, data, size) => {
      const value = kept.get(`${key}\\${name}`);
      if (value === undefined) return 2;
      if (value === null) return 1630;
      type[0] = typeof value === 'number' ? 4 : 1;
      size[0] = typeof value === 'number' ? data.writeUInt32LE(value) : data.write(`${value}\0`, 'utf16le');
      return 0;
    },
    setValue: (_root, key, name, type, data) => {
      kept.set(`${key}\\${name}`, type === 4 ? data.readUInt32LE(0) : null);
      return 0;
    },
    deleteValue: () => 2,
    touch: (_root, key) => (key === ROOT ? 0 : 5),
  };
}

const silent: RegistryNotifyApi = {
  openKey: () => undefined,
  closeKey: () => undefined,
  createEvent: () => undefined,
  notify: () => false,
  isSet: () => false,
  closeEvent: () => undefined,
};

describe('the keys of scans in the registry', () => {
  it('R178 R179 R180 are numbers, or texts that hold one; any other type is named', () => {
    const at = (path: string): string => `${ROOT}\\${path}`;
    const api = memory({
      [at('Inventory\\ScanOnDemand')]: 1,
      [at('Inventory\\CpuLimit')]: ' 42 ',
      [at('UDC\\ScanOnStartup')]: '1',
      [at('SCA\\ScanOnDemand')]: null,
      [at('SCA\\CpuLimit')]: 'fast',
    });
    const keys = registryScanKeys(api, silent, ROOT, new FakeClock());
    const { keys: found, problems } = keys.read();
    expect(found.get('Inventory')).toEqual({ ScanOnDemand: 1, CpuLimit: 42 });
    expect(found.get('UDC')).toEqual({ ScanOnStartup: 1 });
    expect(found.get('Vulnerability')).toEqual({});
    expect(problems.map(({ place }) => place)).toEqual([
      `HKLM\\${ROOT}\\SCA\\ScanOnDemand`,
      `HKLM\\${ROOT}\\SCA\\CpuLimit`,
    ]);
    keys.setOnDemand('SCA', 2);
    expect(keys.read().keys.get('SCA')).toEqual({ ScanOnDemand: 2 });
  });

  it('R183 have a root that the agent makes at its start, and without rights to it say so', () => {
    registryScanKeys(memory({}), silent, ROOT, new FakeClock()).prepare();
    const denied = registryScanKeys({ ...memory({}), touch: () => 5 }, silent, ROOT, new FakeClock());
    expect(denied.prepare).toThrow('access is denied');
  });

  it('are found by the poll where the registry tells nothing', () => {
    const api = memory({});
    const clock = new FakeClock();
    let calls = 0;
    const keys = registryScanKeys(api, silent, ROOT, clock);
    const end = keys.watch(() => (calls += 1));
    openRegistryKey(api, `${ROOT}\\UDC`).setNumber('ScanOnDemand', 1);
    for (let seconds = 1; seconds * 1000 < POLL_MS; seconds += 1) clock.jumpTo(clock.now() + LOOK_MS);
    expect(calls).toBe(0);
    clock.jumpTo(clock.now() + LOOK_MS);
    expect(calls).toBe(1);
    end();
    expect(clock.nextAt).toBeUndefined();
  });
});

describe.skipIf(noCompiler !== undefined)(`the calls to Windows for them${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-windows-'));
  const library = join(folder, 'fake-windows.so');
  const source = join(import.meta.dirname, '../../../../test/support/fake-windows.c');
  const call = (name: string): number =>
    (loadKoffi().load(library).func(name, 'int', []) as unknown as () => number)();
  let clock: FakeClock;
  let calls: number;
  const look = (): void => {
    clock.jumpTo(clock.now() + LOOK_MS);
    clock.jumpTo(clock.now() + DEBOUNCE_MS);
  };

  beforeAll(() => {
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    clock = new FakeClock();
    calls = 0;
  });

  it('R178 tell a change within a second, each of several, set numbers, and leave nothing open', () => {
    const keys = registryScanKeys(
      loadRegistryApi(library),
      loadRegistryNotify(library, library),
      ROOT,
      clock,
    );
    const end = keys.watch(() => (calls += 1));
    look();
    expect(calls).toBe(0);
    for (const [times, value] of [2, 0, 2].entries()) {
      keys.setOnDemand('Vulnerability', value as 0 | 2);
      look();
      expect(calls).toBe(times + 1);
      expect(keys.read().keys.get('Vulnerability')).toEqual({ ScanOnDemand: value });
    }
    expect(call('OpenHandles')).toBe(2);
    // Deleted, the key tells that, and is opened anew with every look.
    call('DeleteKey');
    look();
    expect(call('OpenHandles')).toBe(0);
    keys.setOnDemand('Vulnerability', 0);
    clock.jumpTo(clock.now() + POLL_MS);
    expect(calls).toBe(4);
    end();
    expect(call('OpenHandles')).toBe(0);
  });
});
