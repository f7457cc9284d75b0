import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../test/support/reason.ts';
import { DoubledRegistry } from '../fim/windows/testing/doubled-registry.ts';
import { loadKoffi } from '../native/koffi.ts';
import { SteppedTimers } from '../testing/timers.ts';
import {
  ASK_MS,
  loadNotices,
  RegistryNotices,
  type NoticedKey,
  type OpenNotice,
} from './registry-notices.ts';

const RUN: NoticedKey = { key: 'HKLM\\SOFTWARE\\Key', values: true };
const SERVICES: NoticedKey = { key: 'HKLM\\SYSTEM\\Services', values: false };

/** Notices of keys, asked for anew with each look as those who look do. */
function noticing(open: () => OpenNotice, keys: () => readonly NoticedKey[]) {
  const timers = new SteppedTimers();
  const notices = new RegistryNotices({ open, keys, startTimer: timers.start });
  let calls = 0;
  const look = (): void => {
    notices.listen(() => {
      calls += 1;
      look();
    });
  };
  look();
  return {
    notices,
    look,
    calls: (): number => {
      timers.pass(ASK_MS);
      return calls;
    },
  };
}

describe('notices of changes of keys', () => {
  it('R201 tell of values where those count, of subkeys that come and go, and of each change', () => {
    const registry = new DoubledRegistry().set(RUN.key, 'v', 'a').set(`${SERVICES.key}\\One`, 'v', 'a');
    const { notices, calls } = noticing(
      () => registry.notice,
      () => [RUN, SERVICES],
    );
    expect(calls()).toBe(0);
    registry.set(RUN.key, 'v', 'b');
    expect([calls(), calls()]).toEqual([1, 1]);
    registry.set(SERVICES.key, 'v', 'b').set(`${SERVICES.key}\\One`, 'v', 'b');
    expect(calls()).toBe(1);
    registry.set(`${SERVICES.key}\\Two`, 'v', 'a');
    expect(calls()).toBe(2);
    registry.set(RUN.key, 'v', 'c');
    expect(calls()).toBe(3);
    notices.close();
  });

  it('follow a key that goes, comes again or is asked for no more', () => {
    const registry = new DoubledRegistry().set(RUN.key, 'v', 'a');
    const keys = [RUN];
    const { look, calls } = noticing(
      () => registry.notice,
      () => keys,
    );
    registry.deleteKey(RUN.key);
    expect(calls()).toBe(1);
    registry.set(RUN.key, 'v', 'a');
    look();
    registry.set(RUN.key, 'v', 'b');
    expect(calls()).toBe(2);
    keys.pop();
    look();
    registry.set(RUN.key, 'v', 'c');
    expect(calls()).toBe(2);
  });

  it('follow a key that was deleted and made anew before anybody asked', () => {
    const registry = new DoubledRegistry().set(RUN.key, 'v', 'a');
    const { notices, calls } = noticing(
      () => registry.notice,
      () => [RUN],
    );
    registry.deleteKey(RUN.key);
    registry.set(RUN.key, 'v', 'a');
    expect(calls()).toBe(1);
    registry.set(RUN.key, 'v', 'b');
    expect(calls()).toBe(2);
    notices.close();
  });

  it('are none where the calls can not be had', () => {
    const { calls } = noticing(
      () => {
        throw new Error('no such library');
      },
      () => [RUN],
    );
    expect(calls()).toBe(0);
  });
});

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(`the calls to Windows for them${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-notices-'));
  const library = join(folder, 'fake-windows-registry.so');
  const call = (name: string, ...args: number[]): number => {
    const types = args.map(() => 'int');
    return (loadKoffi().load(library).func(name, 'int', types) as (...given: number[]) => number)(...args);
  };

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../../test/support/fake-windows-registry.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('R201 ask for subkeys and values of one key, and leave nothing open', () => {
    const keys = [
      { ...RUN, values: false },
      { key: 'HKLM\\Denied', values: true },
    ];
    const { notices, look, calls } = noticing(
      () => loadNotices(library, library),
      () => keys,
    );
    call('Change', 4);
    expect(calls()).toBe(0);
    call('Change', 1);
    expect(calls()).toBe(1);
    keys.splice(0, 2);
    look();
    expect(call('OpenHandles')).toBe(0);
    keys.push(RUN);
    look();
    call('Change', 4);
    expect(calls()).toBe(2);
    expect(call('OpenHandles')).toBe(2);
    call('DeleteKey');
    expect(calls()).toBe(3);
    expect(call('OpenHandles')).toBe(0);
    notices.close();
  });
});
