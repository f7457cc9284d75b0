import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AGENT_VERSION } from '../../shared/wire.ts';
import { toInstant } from '../clock.ts';
import { copyRedacted } from './redacted-copy.ts';
import { redactValue } from './redact-value.ts';

/** One file of the archive: a value as JSON, or a text file of this host, redacted line by line. */
export type Part =
  | { readonly name: string; readonly value: unknown }
  | {
      readonly name: string;
      readonly file: string;
      /** Whether its bytes count against the bound that all such parts share. */
      readonly log?: true;
      /** Tells the lines that are taken; without it all are. */
      readonly wanted?: (line: string) => boolean;
    }
  /** Something that belongs in it and is not there. */
  | { readonly name: string; readonly missing: string };

/** What an archive holds and lacks: its `manifest.json`. */
export interface Contents {
  readonly createdAt: string;
  readonly agentVersion: string;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly cut?: string }[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}

/** All logs together, bytes before compression: more than a log keeps. */
const LOG_BYTES = 64 * 1024 * 1024;

/** Beginning of the name of the folder where the parts are made: it may need as much room as the logs. */
const STAGING = '.wayfarer-diagnostics-';

/** Any other file, bytes: settings are small. */
const FILE_BYTES = 256 * 1024;

/**
 * Writes a compressed archive of the parts to a new file that only this user can read. `workIn` is the directory where
 * they are made before; nobody else may be able to rename what is in it. Rejects with `EEXIST` where
 * something stands there already, a link among it; then nothing is changed. What goes wrong with one part is told in
 * `manifest.json`; what goes wrong with the archive leaves no file behind.
 */
export async function writeArchive(
  output: string,
  parts: readonly Part[],
  now: number,
  workIn: string,
  logBytes = LOG_BYTES,
): Promise<Contents> {
  const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;
  const target = await open(
    output,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow,
    0o600,
  );
  try {
    const staging = await mkdtemp(join(workIn, STAGING));
    try {
      const contents = await stage(staging, parts, now, logBytes);
      const names = ['manifest.json', ...contents.files.map((file) => file.name)];
      // Loaded on use: the service needs it once in its life.
      const { create } = await import('tar');
      // Portable: neither owner nor other facts of this host's users.
      const packed = create(
        { cwd: staging, gzip: true, portable: true, prefix: 'wayfarer-diagnostics' },
        names,
      );
      await pipeline(packed as AsyncIterable<Buffer>, target.createWriteStream({ flush: true }));
      return contents;
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } catch (error) {
    await target.close();
    await rm(output, { force: true });
    throw error;
  }
}

async function stage(
  staging: string,
  parts: readonly Part[],
  now: number,
  logBytes: number,
): Promise<Contents> {
  const files: Contents['files'][number][] = [];
  const missing: Contents['missing'][number][] = [];
  let room = logBytes;
  for (const part of parts) {
    const { name } = part;
    if ('missing' in part) {
      missing.push({ name, reason: part.missing });
      continue;
    }
    const to = join(staging, name);
    try {
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      let cut: string | undefined;
      if ('value' in part) await writeJson(to, part.value);
      else {
        const limit = part.log === true ? room : FILE_BYTES;
        const copied = await copyRedacted(part.file, to, limit, part.wanted);
        if (part.log === true) room -= copied.rawBytes;
        if (copied.cut)
          cut = `${String(copied.rawBytes)} bytes of it fit within the bound of ${String(limit)}`;
      }
      files.push({ name, bytes: (await stat(to)).size, ...(cut !== undefined && { cut }) });
    } catch (error) {
      missing.push({ name, reason: error instanceof Error ? error.message : String(error) });
      await rm(to, { force: true });
    }
  }
  const contents = { createdAt: toInstant(now), agentVersion: AGENT_VERSION, files, missing };
  await writeJson(join(staging, 'manifest.json'), contents);
  return contents;
}

function writeJson(to: string, value: unknown): Promise<void> {
  return writeFile(to, `${JSON.stringify(redactValue(value), null, 2)}\n`, { flag: 'wx', mode: 0o600 });
}
