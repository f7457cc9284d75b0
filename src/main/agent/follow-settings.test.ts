import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSmallFile } from '../host/atomic-file.ts';
import { parseSettingsFile, resolveSettings, type Settings } from '../host/settings.ts';
import { DEBOUNCE_MS, POLL_MS } from '../host/watch-content.ts';
import { followSettings } from './follow-settings.ts';
import type { SettingsChange } from './settings-change.ts';
import { FakeClock } from './testing/fake-clock.ts';

let folder: string;
let file: string;
let clock: FakeClock;
let changes: SettingsChange[];
let signal: (name: string | null) => void;
let end: () => void;

const read = (): Settings => {
  const found = parseSettingsFile(readSmallFile(file) ?? '', file);
  return resolveSettings([found.settings], found.problems);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wf-follow-'));
  file = join(folder, 'agent.conf');
  clock = new FakeClock();
  changes = [];
});
afterEach(() => {
  end();
  rmSync(folder, { recursive: true, force: true });
});

function follow(inForce = read()): void {
  end = followSettings({
    file,
    inForce,
    read,
    clock,
    judged: (change) => changes.push(change),
    watchFolder: (_, changed) => {
      signal = changed;
      return () => undefined;
    },
  });
}

describe('following agent.conf', () => {
  it('judges once at the beginning, for what changed before it', () => {
    const before = read();
    writeFileSync(file, 'Syslog=on\n');
    follow(before);
    expect(changes).toMatchObject([{ changed: ['Syslog'] }]);
  });

  it('judges a change once, half a second after its first sign, and one that says nothing new never', () => {
    follow();
    writeFileSync(file, 'Syslog=on\n');
    signal('agent.conf');
    signal('agent.conf');
    clock.jumpTo(clock.now() + DEBOUNCE_MS);
    writeFileSync(file, '# a comment\nsyslog = on\n');
    signal(null);
    clock.jumpTo(clock.now() + DEBOUNCE_MS);
    expect(changes.slice(1)).toMatchObject([{ changed: ['Syslog'] }]);
  });

  it('looks for itself twice a minute where nothing tells', () => {
    follow();
    writeFileSync(file, 'Syslog=on\n');
    clock.jumpTo(clock.now() + POLL_MS);
    expect(changes).toHaveLength(2);
  });

  it('says of a link, a folder and rubbish in place of the file what they are, and goes on', () => {
    follow();
    symlinkSync('/dev/zero', file);
    clock.jumpTo(clock.now() + POLL_MS);
    rmSync(file);
    mkdirSync(file);
    clock.jumpTo(clock.now() + POLL_MS);
    rmSync(file, { recursive: true });
    writeFileSync(file, Buffer.alloc(100, 0xff));
    clock.jumpTo(clock.now() + POLL_MS);
    const reasons = changes
      .slice(1)
      .map((change) => ('keep' in change ? change.keep.problems.map(({ reason }) => reason) : []));
    expect(reasons).toEqual([
      [expect.stringContaining('is a symbolic link')],
      [expect.stringContaining('is not a regular file')],
      ['is not a setting, the line is ignored'],
    ]);
  });
});
