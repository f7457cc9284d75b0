import { chownSync, linkSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noRoot, noUnix } from '../../../test/support/reason.ts';
import { CHANGE } from '../fim/change.ts';
import type { Os } from '../table.ts';
import { SteppedTimers } from '../testing/timers.ts';
import { DropWatch, type Dropped } from './dropped.ts';

const os = process.platform as Os;
const SCRIPT = '#!/bin/sh\n';
const ADA = 1_000;

describe.skipIf(noUnix !== undefined)(`executables in suspect places${because(noUnix)}`, () => {
  let dir: string;
  let timers: SteppedTimers;
  let watch: DropWatch;
  let found: Dropped[];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'wf-drop-'));
    timers = new SteppedTimers(0);
    found = [];
    watch = new DropWatch({
      place: { root: '/', os },
      startTimer: timers.start,
      dropped: (dropped) => found.push(...dropped),
      lost: () => undefined,
    });
    watch.setRules([{ id: 'suspect', severity: 'high', paths: [dir], exclude: ['*.log'] }]);
  });
  afterEach(() => {
    watch.close();
    rmSync(dir, { recursive: true });
  });
  /** What is found after something happened to these names. */
  function after(...names: string[]): string[] {
    for (const name of names) {
      const path = join(dir, name);
      const by = { actor: { state: 'unknown', reason: 'a test' } } as const;
      watch.changed({ path, what: CHANGE.closedAfterWrite, directory: false, at: 0, by });
    }
    timers.pass(10_000);
    return found.splice(0).map(({ path, kind }) => `${kind} ${path.slice(dir.length + 1)}`);
  }

  it('R201 are found by their first bytes or their mode, once for each of their states', () => {
    writeFileSync(join(dir, 'script'), SCRIPT);
    writeFileSync(join(dir, 'tool'), '\x7fELF');
    writeFileSync(join(dir, 'run'), 'x', { mode: 0o755 });
    writeFileSync(join(dir, 'text'), 'x');
    writeFileSync(join(dir, 'script.log'), SCRIPT);
    const names = ['script', 'tool', 'run', 'text', 'script.log', 'none'];
    expect(after(...names)).toEqual(['script script', 'ELF tool', 'mode run']);
    expect(after(...names)).toEqual([]);
    writeFileSync(join(dir, 'script'), `${SCRIPT}true\n`);
    expect(after(...names)).toEqual(['script script']);
  });

  it.skipIf(noRoot !== undefined)(
    `R201 are not hidden by a second name in the folder of somebody else${because(noRoot)}`,
    () => {
      writeFileSync(join(dir, 'a'), SCRIPT);
      chownSync(join(dir, 'a'), ADA, ADA);
      linkSync(join(dir, 'a'), join(dir, '.b'));
      expect(after('a', '.b')).toEqual(['script a', 'script .b']);
    },
  );

  it('R201 are not hidden by their length', () => {
    writeFileSync(join(dir, 'long'), SCRIPT);
    truncateSync(join(dir, 'long'), 2 ** 42);
    expect(after('long')).toEqual(['script long']);
  });

  it('are not what a link leads to', () => {
    symlinkSync('/bin/sh', join(dir, 'link'));
    expect(after('link')).toEqual([]);
  });
});
