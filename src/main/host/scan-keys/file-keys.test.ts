import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../../test/support/until.ts';
import { FakeClock } from '../../agent/testing/fake-clock.ts';
import type { WatchFolder } from '../watch-folder.ts';
import { fileScanKeys } from './file-keys.ts';
import type { ScanKey, ScanKeys } from './scan-keys.ts';
import { DEBOUNCE_MS, POLL_MS } from './watch-keys.ts';

let root: string;
let folder: string;
let clock: FakeClock;
let keys: ScanKeys;
let calls: number;
let end: () => void;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wf-keys-'));
  folder = join(root, 'etc/wayfarer/ScanOnDemand');
  clock = new FakeClock();
  keys = fileScanKeys(folder, clock);
  keys.prepare();
  calls = 0;
  end = () => undefined;
});
afterEach(() => {
  end();
  rmSync(root, { recursive: true, force: true });
});

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const key = (type: 'Vulnerability' | 'UDC'): ScanKey | undefined => keys.read().keys.get(type);
const problems = (): string[] =>
  keys.read().problems.map(({ place, reason }) => `${place.slice(folder.length + 1)}: ${reason}`);

describe('the keys of scans as files', () => {
  it('R178 R179 R183 stand below a root that the agent makes at its start, each with one number', () => {
    expect(statSync(folder).mode & 0o777).toBe(0o755);
    expect([...keys.read().keys.keys()]).toEqual([
      'Inventory',
      'Vulnerability',
      'PolicyCompliance',
      'UDC',
      'SCA',
    ]);
    put('Vulnerability/ScanOnDemand', '1\n');
    put('Vulnerability/CpuLimit', ' 42 \r\n');
    put('UDC/ScanOnStartup', '1');
    expect(key('Vulnerability')).toEqual({ ScanOnDemand: 1, CpuLimit: 42 });
    expect(key('UDC')).toEqual({ ScanOnStartup: 1 });
    expect(problems()).toEqual([]);
  });

  it('R181 take what the agent sets, and keep the rights of the file', () => {
    put('UDC/ScanOnDemand', '1\n');
    chmodSync(join(folder, 'UDC/ScanOnDemand'), 0o640);
    keys.setOnDemand('UDC', 2);
    expect(readFileSync(keys.placeOf('UDC', 'ScanOnDemand'), 'utf8')).toBe('2\n');
    expect(statSync(keys.placeOf('UDC', 'ScanOnDemand')).mode & 0o777).toBe(0o640);
  });

  it.each(['on', '-1', '1.0', '0x1', '99999999999', '4294967296', '1 1'])(
    'name a value that is no number, and the others count: %s',
    (text) => {
      put('UDC/ScanOnDemand', text);
      put('UDC/CpuLimit', '5');
      expect(problems()).toEqual(['UDC/ScanOnDemand: it does not hold a decimal number']);
      expect(key('UDC')).toEqual({ CpuLimit: 5 });
    },
  );

  it('pass over a file that is empty, since somebody writes it', () => {
    put('UDC/ScanOnDemand', '');
    expect([key('UDC'), problems()]).toEqual([{}, []]);
  });

  it('are not read where others than root may have written them, or elsewhere by a link', () => {
    put('UDC/ScanOnDemand', '1');
    chmodSync(join(folder, 'UDC/ScanOnDemand'), 0o666);
    put('UDC/CpuLimit', '1'.repeat(65));
    put('elsewhere', '1');
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'UDC/ScanOnStartup'));
    put('SCA/ScanOnDemand', '1');
    chmodSync(join(folder, 'SCA'), 0o777);
    put('Inventory', '1');
    expect(problems()).toEqual([
      'Inventory: it is no folder',
      `UDC/ScanOnDemand: every user may write it (mode 666); run chmod go-w ${folder}/UDC/ScanOnDemand`,
      `UDC/CpuLimit: ${folder}/UDC/CpuLimit is larger than 64 bytes`,
      `UDC/ScanOnStartup: ${folder}/UDC/ScanOnStartup is a symbolic link`,
      `SCA: every user may write it (mode 777); run chmod go-w ${folder}/SCA`,
    ]);
    expect(key('UDC')).toEqual({});
    expect(() => {
      keys.setOnDemand('SCA', 0);
    }).toThrow('every user may write it');
    chmodSync(folder, 0o777);
    expect(keys.read()).toEqual({
      keys: new Map(),
      problems: [{ place: folder, reason: `every user may write it (mode 777); run chmod go-w ${folder}` }],
    });
  });
});

describe('watching the keys of scans', () => {
  const watch = (): void => {
    end = keys.watch(() => {
      calls += 1;
    });
  };
  const sign = (): Promise<true> =>
    until('a sign', () => (clock.nextAt === clock.now() + DEBOUNCE_MS ? true : undefined));
  const pass = (ms: number): void => {
    clock.jumpTo(clock.now() + ms);
  };

  it('R178 tells a change soon after it, also in a folder that is new, and once', async () => {
    watch();
    put('UDC/ScanOnDemand', '1');
    await sign();
    expect(calls).toBe(0);
    pass(DEBOUNCE_MS);
    expect(calls).toBe(1);
    // Signs of the same change may still come; the next look finds nothing new.
    pass(POLL_MS);
    expect(calls).toBe(1);
    put('UDC/ScanOnDemand', '0');
    await sign();
    pass(DEBOUNCE_MS);
    expect(calls).toBe(2);
  });

  it('finds without a sign what a watch misses', () => {
    const blind: WatchFolder = () => {
      throw new Error('ENOSPC');
    };
    keys = fileScanKeys(folder, clock, blind);
    watch();
    put('UDC/ScanOnDemand', '1');
    pass(POLL_MS - 1);
    expect(calls).toBe(0);
    pass(1);
    expect(calls).toBe(1);
  });

  it('watches each folder once, those that were lost anew, and none after the end', () => {
    const watched = new Map<string, { lost: () => void; changed: (name: string | null) => void }>();
    const steered: WatchFolder = (path, changed, lost) => {
      if (path !== folder && path !== join(folder, 'UDC')) throw new Error('ENOENT');
      if (watched.has(path)) throw new Error('twice');
      watched.set(path, { lost, changed });
      return () => watched.delete(path);
    };
    keys = fileScanKeys(folder, clock, steered);
    watch();
    expect(watched.size).toBe(2);
    watched.get(folder)?.changed('ScanOnDemand.new');
    expect(clock.nextAt).toBe(clock.now() + POLL_MS);
    watched.get(folder)?.lost();
    expect(watched.size).toBe(1);
    pass(DEBOUNCE_MS);
    expect(watched.size).toBe(2);
    end();
    expect(watched.size).toBe(0);
    expect(clock.nextAt).toBeUndefined();
  });
});
