import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, mkdirSync, openSync, closeSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { collectDiagnostics } from '../diagnostics/collect.ts';
import { READ_FLAGS } from '../host/log-files.ts';
import type { Context } from './context.ts';
import type { LogsFacts, SideTerms } from './facts.ts';
import { chunkBytesOf } from './upload-progress.ts';

/*
 * The archive that COLLECT_LOGS sends: a file below the data directory, and in the store what it takes to go on with its
 * upload after a restart. There is one at a time.
 */

const Terms = z.object({
  encodedBytes: z.number().int().positive(),
  digest: z.string(),
  chunkBytes: z.number().int().positive(),
  idempotencyKey: z.string(),
  uploadId: z.string().optional(),
});

const LogsUpload = z.object({
  command: z.object({ id: z.string(), type: z.string() }),
  /** `null` until the archive is made. */
  terms: Terms.nullable(),
});

const KEY = 'logsUpload';

/** What the last run left under way, to go on at `now`. */
export function storedLogs(store: Context['store'], now: number): LogsFacts | null {
  const stored = store.kv.get(KEY, LogsUpload);
  if (stored === undefined) return null;
  return { command: stored.command, terms: stored.terms, held: null, nextStepAt: now, failures: 0 };
}

/** Takes what is under way, and notes it durably where that is not what stands there. */
export function keepLogs(context: Context, logs: LogsFacts): void {
  const { command, terms } = logs;
  const before = context.facts().logs;
  if (before?.command !== command || before.terms !== terms) context.store.kv.set(KEY, { command, terms });
  context.update({ logs });
}

/** Forgets what is under way, and removes the archive. */
export function forgetLogs(context: Context): void {
  context.store.kv.delete(KEY);
  context.update({ logs: null });
  rmSync(folderOf(context), { recursive: true, force: true });
}

const folderOf = ({ paths }: Context): string => join(paths.dataDir, 'support');
const fileOf = (context: Context): string => join(folderOf(context), 'logs.tar.gz');

/** Whether the archive of these terms is still there. */
export function archiveStands(context: Context, { encodedBytes }: SideTerms): boolean {
  const stat = lstatSync(fileOf(context), { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size === encodedBytes;
}

/** Makes the archive anew; what an earlier attempt left goes. Rejects with what the disk says. */
export async function makeArchive(context: Context): Promise<SideTerms> {
  rmSync(folderOf(context), { recursive: true, force: true });
  mkdirSync(folderOf(context), { mode: 0o700 });
  const file = fileOf(context);
  const reason = 'the service does not try while it collects logs';
  await collectDiagnostics(
    {
      paths: context.paths,
      now: context.clock.now,
      reach: () => Promise.resolve({ tried: false, reason }),
    },
    file,
    folderOf(context),
  );
  const hash = createHash('sha256');
  let encodedBytes = 0;
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(piece);
    encodedBytes += piece.length;
  }
  return {
    encodedBytes,
    digest: hash.digest('hex'),
    chunkBytes: chunkBytesOf(context.facts().profile),
    idempotencyKey: context.random.uuid(),
  };
}

/** The bytes of chunk `n`, from 0. Throws what the file system throws. */
export function readChunk(context: Context, { encodedBytes, chunkBytes }: SideTerms, n: number): Buffer {
  const start = n * chunkBytes;
  const bytes = Buffer.alloc(Math.min(chunkBytes, encodedBytes - start));
  const file = openSync(fileOf(context), READ_FLAGS);
  try {
    const read = readSync(file, bytes, 0, bytes.length, start);
    return bytes.subarray(0, read);
  } finally {
    closeSync(file);
  }
}
