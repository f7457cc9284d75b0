import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import { CHANGE, type RawChange } from '../fim/change.ts';
import { by, byUnknown, change } from '../fim/testing/changes.ts';
import type { Os } from '../table.ts';
import { SteppedTimers } from '../testing/timers.ts';
import { DroppedPrograms, lookAtFile, type Looked } from './dropped-programs.ts';

/* Looks at files of Windows are a double's; the look itself is tried on a file of this host. */

const { created, deleted } = CHANGE;
const RULE = {
  id: 'drops',
  severity: 'high',
  paths: ['C:\\Windows\\Temp', '/tmp'],
  exclude: ['*.log'],
} as const;

function dropping() {
  const timers = new SteppedTimers();
  const events: UnsealedEdrEvent[] = [];
  const files = new Map<string, Looked>();
  let lost = 0;
  const drops = new DroppedPrograms({
    look: (path) => files.get(path),
    now: timers.now,
    startTimer: timers.start,
    newId: () => 'id',
    events: (more) => events.push(...more),
    lost: (count) => (lost += count),
  });
  drops.setRules([{ ...RULE, paths: [...RULE.paths], exclude: [...RULE.exclude] }]);
  return {
    ...{ timers, events, drops, lost: () => lost },
    write: (path: string, content: string, what: number = created, more: Partial<RawChange> = {}) => {
      files.set(path, { begins: content.slice(0, 2), size: content.length, mtimeMs: 0 });
      drops.changed(change(path, what, more));
    },
  };
}

describe('programs that appear in suspect places of Windows', () => {
  it('R201 are events with who made them', () => {
    const { write, timers, events, drops } = dropping();
    expect(drops.directories()).toEqual(['C:\\Windows\\Temp']);
    write('C:\\WINDOWS\\temp\\a.txt', 'MZ\x90', created, { by: by(7) });
    timers.pass(500);
    expect(events).toMatchObject([
      {
        event: { action: 'executable_dropped', provider: 'file changes', severity: 3 },
        rule: { id: 'drops' },
        file: { path: 'C:\\WINDOWS\\temp\\a.txt', size: 3 },
        process: { pid: 7 },
        wayfarer: { item: 'program' },
      },
    ]);
  });

  it('R201 are scripts by their name, told once, with the reason where nobody is known', () => {
    const { write, timers, events } = dropping();
    write('C:\\Windows\\Temp\\a.PS1', 'whoami', created, { by: byUnknown(9) });
    timers.pass(500);
    write('C:\\Windows\\Temp\\b.js', '', created, { by: by(3) });
    write('C:\\Windows\\Temp\\b.js', '', created, { by: byUnknown(9) });
    timers.pass(500);
    expect(events.map(({ wayfarer, process }) => [wayfarer.item, wayfarer.reason, process?.pid])).toEqual([
      ['script', 'gone before it could be read', undefined],
      ['script', undefined, 3],
    ]);
  });

  it.each([
    ['a text', 'C:\\Windows\\Temp\\a.txt', 'hello'],
    ['an excluded program', 'C:\\Windows\\Temp\\a.LOG', 'MZ'],
    ['a program elsewhere', 'C:\\Users\\a.exe', 'MZ'],
  ])('are not %s', (_what, path, content) => {
    const { write, timers, events } = dropping();
    write(path, content);
    timers.pass(500);
    expect(events).toEqual([]);
  });

  it('are not what is gone, a directory, or what changed after rules were taken away', () => {
    const { drops, write, timers, events } = dropping();
    drops.changed(change('C:\\Windows\\Temp\\gone.exe', created));
    drops.changed(change('C:\\Windows\\Temp\\d', created, { directory: true }));
    drops.changed(change('C:\\Windows\\Temp\\x.exe', deleted));
    write('C:\\Windows\\Temp\\late.exe', 'MZ');
    drops.setRules([]);
    timers.pass(500);
    expect(events).toEqual([]);
    write('C:\\Windows\\Temp\\never.exe', 'MZ');
    drops.stop();
    timers.pass(500);
    expect(events).toEqual([]);
  });

  it('are counted as lost where too many wait, and looked at in turns', () => {
    const { drops, timers, lost } = dropping();
    for (let at = 0; at < 4_098; at += 1) drops.changed(change(`C:\\Windows\\Temp\\${at}.exe`, created));
    drops.changed(change('C:\\Windows\\Temp\\1.exe', created));
    expect(lost()).toBe(2);
    timers.pass(600);
    drops.changed(change('C:\\Windows\\Temp\\new.exe', created));
    expect(lost()).toBe(2);
  });

  it('are looked at without following a link', () => {
    const tree = realpathSync(mkdtempSync(join(tmpdir(), 'wf-drops-')));
    const place = { root: '/', os: process.platform as Os };
    try {
      writeFileSync(join(tree, 'a.exe'), 'MZ\x90');
      symlinkSync(join(tree, 'a.exe'), join(tree, 'link.exe'));
      expect(lookAtFile(place, join(tree, 'a.exe'))).toMatchObject({ begins: 'MZ', size: 4 });
      expect(lookAtFile(place, join(tree, 'link.exe'))).toBeUndefined();
      expect(lookAtFile(place, join(tree, 'none.exe'))).toBeUndefined();
    } finally {
      rmSync(tree, { recursive: true });
    }
  });
});
