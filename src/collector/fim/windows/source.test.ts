import { describe, expect, it } from 'vitest';
import { ruleWith } from '../testing/fim-rules.ts';
import { CHANGE, type LostChanges, type RawChange } from '../change.ts';
import { RuleSet } from '../rule-set.ts';
import { unknownActor } from '../unknown-actor.ts';
import { by } from '../testing/changes.ts';
import type { AuditPolicy } from './audit-policy.ts';
import type { Cursor } from './journal.ts';
import { JournalSource } from './source.ts';
import { DoubledDrive, DoubledWindows } from './testing/doubled-windows.ts';

const RULES = new RuleSet([ruleWith({ path: 'C:\\Watched' }), ruleWith({ path: 'D:\\Data' })], [], 'win32');
const ALL_ON: AuditPolicy = { starts: true, ends: true, files: true, registry: true };

/** A source over a double of Windows, with a log and writers of the test's. */
function open(kept: Readonly<Record<string, Cursor>> = {}, failed: () => void = () => undefined) {
  const windows = new DoubledWindows();
  const drive = new DoubledDrive().directory(5n, 'C:\\Watched');
  windows.drives.set('C', drive);
  const got = { changes: [] as RawChange[], lost: [] as LostChanges[], failed: [] as string[] };
  const places = new Map<string, Cursor | undefined>(Object.entries(kept));
  const log = {
    policy: ALL_ON as AuditPolicy | undefined,
    trouble: undefined as string | undefined,
    begun: 0,
    waiting: [] as (() => void)[],
    begin: () => void (log.begun += 1),
    read: () => new Promise<void>((resolve) => log.waiting.push(resolve)),
  };
  const host = windows.host();
  const source = new JournalSource({
    volumes: host.volumes,
    log,
    writers: { attribute: (change) => ({ ...change, by: by(7) }) },
    now: host.now,
    startTimer: host.startTimer,
    kept: (letter) => places.get(letter),
    keep: (letter, cursor) => places.set(letter, cursor),
    events: {
      changes: (changes) => got.changes.push(...changes),
      lost: (lost) => got.lost.push(lost),
      failed: (reason) => {
        got.failed.push(reason);
        failed();
      },
      mountsChanged: () => undefined,
      log: () => undefined,
    },
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return { windows, drive, got, places, log, source, settle, timers: windows.timers };
}

describe('the source of file changes on Windows', () => {
  it('R208 leaves a drive without a journal to the file watcher', async () => {
    const { source } = open();
    await source.start(RULES);
    expect(source.mounts()).toEqual([
      { mount: 'C:\\', filesystem: 'NTFS or ReFS', method: 'change journal' },
      { mount: 'D:\\Data', filesystem: 'unknown', method: 'file watcher', note: 'does not exist yet' },
    ]);
    await source.stop();
  });

  it('R208 does not start where no drive has a journal that can be read', async () => {
    const { source, windows } = open();
    windows.forbid();
    await expect(source.start(RULES)).rejects.toThrow(
      "the volume C: can't be opened: error 5; the volume D: can't be opened: error 5",
    );
    await source.stop();
  });

  it('R208 has itself started again where a journal can not be read any more', async () => {
    const stop: (() => void)[] = [];
    const { source, windows, timers, got } = open({}, () => {
      for (const end of stop) end();
    });
    // Whoever hears of it stops the source at once, from within its reading.
    stop.push(() => void source.stop());
    await source.start(RULES);
    windows.drives.get('C')?.fail(1_179);
    timers.pass(1_000);
    const { opened } = windows;
    expect(opened).toBeGreaterThan(0);
    expect(got.failed).toEqual(['drive C: has no change journal; make one with fsutil usn createjournal']);
    windows.drives.set('C', new DoubledDrive());
    timers.pass(10_000);
    expect([windows.opened, got.failed.length]).toEqual([opened, 1]);
  });

  it('R200 holds a change until a reading of the log that began after it', async () => {
    const { source, drive, got, log, timers, settle } = open();
    await source.start(RULES);
    expect(log.begun).toBe(1);
    drive.write({ parent: 5n, name: 'a', at: 0, reason: 0x100 });
    timers.pass(2_000);
    drive.write({ parent: 5n, name: 'b', at: 0, reason: 0x100 });
    timers.pass(1_000);
    expect([got.changes, log.waiting.length]).toEqual([[], 1]);
    log.waiting.shift()?.();
    await settle();
    expect(got.changes.map(({ path }) => path)).toEqual(['C:\\Watched\\a']);
    timers.pass(1_000);
    log.waiting.shift()?.();
    await settle();
    expect(got.changes.map(({ path, what, by: who }) => [path, what, who])).toEqual([
      ['C:\\Watched\\a', CHANGE.created, by(7)],
      ['C:\\Watched\\b', CHANGE.created, by(7)],
    ]);
    await source.stop();
  });

  it('R200 asks no log of which it is known that it has nothing of files', async () => {
    const { source, drive, got, log, timers } = open();
    log.policy = { ...ALL_ON, files: false };
    await source.start(RULES);
    drive.write({ parent: 5n, name: 'a', at: 0, reason: 0x100 });
    timers.pass(1_000);
    expect(got.changes[0]?.by).toEqual(unknownActor('accesses to files are not audited on this host'));
    expect([log.begun, log.waiting.length, source.actors]).toEqual([0, 0, 'unknown']);
    log.policy = undefined;
    log.trouble = 'no rights';
    expect([source.actors, source.noActors]).toEqual(['unknown', 'no rights']);
    await source.stop();
  });

  it('R208 keeps a place that is two minutes old, and an older one until then', async () => {
    const before = { journal: '7', next: '400' };
    const { source, drive, places, timers } = open({ C: before });
    await source.start(RULES);
    drive.write({ parent: 5n, name: 'a', at: 0, reason: 0x100 });
    timers.pass(30_000);
    expect(places.get('C')).toEqual(before);
    const then = String(drive.next);
    drive.write({ parent: 5n, name: 'b', at: 0, reason: 0x100 });
    timers.pass(120_000);
    expect(places.get('C')).toEqual({ journal: '7', next: then });
    timers.pass(30_000);
    expect(places.get('C')).toEqual({ journal: '7', next: String(drive.next) });
    await source.stop();
  });

  it('forgets the place in a drive that rules touch no more', async () => {
    const { source, places, windows, timers } = open();
    windows.drives.set('D', new DoubledDrive());
    await source.start(RULES);
    timers.pass(180_000);
    expect([places.get('C'), places.get('D')]).toEqual([
      { journal: '7', next: '1000' },
      { journal: '7', next: '1000' },
    ]);
    await source.setRules(new RuleSet([ruleWith({ path: 'C:\\Watched' })], [], 'win32'));
    expect([places.get('C'), places.get('D')]).toEqual([{ journal: '7', next: '1000' }, undefined]);
    expect(source.mounts().map(({ mount }) => mount)).toEqual(['C:\\']);
    await source.stop();
  });
});
