import { lstatSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEsLine, type EsFile } from '../fim/macos/es-message.ts';
import { esLine, process as esProcess } from '../fim/macos/testing/es-line.ts';
import { imageNow } from './macos-images.ts';

describe('the file of a program that macOS told of', () => {
  let folder = '';
  let program = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wf-image-'));
    program = join(folder, 'program');
    writeFileSync(program, 'before');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** An instant as eslogger writes it: nine digits, fewer where `digits` says so. */
  const instant = (ns: bigint, digits = 9): string => {
    const seconds = new Date(Number(ns / 1_000_000_000n) * 1_000).toISOString().slice(0, 19);
    return `${seconds}.${String(ns % 1_000_000_000n)
      .padStart(9, '0')
      .slice(0, digits)}Z`;
  };
  /** The file in a message of now, with `more` of its stat. */
  const told = (more: (now: { mtimeNs: bigint; ctimeNs: bigint }) => object): EsFile => {
    const now = lstatSync(program, { bigint: true });
    const stat = {
      st_mode: Number(now.mode),
      st_ino: Number(now.ino),
      st_size: Number(now.size),
      ...more(now),
    };
    const target = esProcess(program, {}, { executable: { path: program, stat } });
    const event = parseEsLine(esLine({ exec: { target, args: [] } }))?.event;
    if (event?.name !== 'exec') throw new Error('not the start of a program');
    return event.target.executable;
  };
  const FORMS: [string, (ns: bigint) => unknown][] = [
    ['nine digits', (ns) => instant(ns)],
    ['six digits', (ns) => instant(ns, 6)],
    [
      'seconds and nanoseconds',
      (ns) => ({ tv_sec: Number(ns / 1_000_000_000n), tv_nsec: Number(ns % 1_000_000_000n) }),
    ],
  ];

  it.each(FORMS)('R201 is the one at its path while its times are the same, told as %s', (_name, form) => {
    const file = told(({ mtimeNs, ctimeNs }) => ({
      st_mtimespec: form(mtimeNs),
      st_ctimespec: form(ctimeNs),
    }));
    expect(file.stat).toMatchObject({ st_mtimespec: {}, st_ctimespec: {} });
    expect(imageNow(file)).toMatchObject({ size: 6n });
  });

  it.each(FORMS)('R201 is another one once it was written in place, told as %s', (_name, form) => {
    const file = told(({ mtimeNs }) => ({ st_mtimespec: form(mtimeNs) }));
    writeFileSync(program, 'after!');
    utimesSync(program, new Date(), new Date(Date.now() + 1_000));
    expect(imageNow(file)).toBeUndefined();
  });

  it('R201 is another one also where whoever wrote it set its time of writing back', () => {
    utimesSync(program, 1_000, 1_000);
    // As if that had been a millisecond after the message: the clock of a file system is not finer everywhere.
    const file = told(({ mtimeNs, ctimeNs }) => ({
      st_mtimespec: instant(mtimeNs),
      st_ctimespec: instant(ctimeNs - 1_000_000n),
    }));
    expect(imageNow(file)).toBeUndefined();
  });

  it('is compared by what is known where times have another form', () => {
    const times = ['yesterday', '2025-13-45T99:00:00.0Z', { tv_sec: 1.5, tv_nsec: 0 }, 7, null];
    for (const time of times) {
      const file = told(() => ({ st_mtimespec: time, st_ctimespec: time }));
      expect(imageNow(file)).toMatchObject({ size: 6n });
    }
  });
});
