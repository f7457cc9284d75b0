import { UPLOAD_LIMITS, type Command, type CommandResult, type UploadState } from '../../shared/wire.ts';
import { describeFailure, wasEnded, type Failure, type Result } from '../uplink/failure.ts';
import { uplinkFailed } from './backoff.ts';
import type { Apply, Context } from './context.ts';
import { exchangeFailed, exchangeWorked } from './failures.ts';
import type { LogsFacts, LogsTerms } from './facts.ts';
import { archiveStands, chunkCountOf, forgetLogs, keepLogs, makeArchive, readChunk } from './logs-archive.ts';
import { statusIntervalSec } from './plan.ts';
import { recordCommand } from './records.ts';
import { deltaIntervalSec, firstMissing } from './upload-progress.ts';

/**
 * Begins with COLLECT_LOGS; the command is acknowledged once its archive is with the platform, or can't get there.
 * Returns why not, `undefined` when it is under way, as for a repeat of the one that already is.
 */
export function wantLogs(context: Context, { id, type }: Command): string | undefined {
  const { logs } = context.facts();
  if (logs !== null) {
    return logs.command.id === id ? undefined : 'the logs are being collected for another command';
  }
  keepLogs(context, {
    command: { id, type },
    terms: null,
    held: null,
    nextStepAt: context.clock.now(),
    failures: 0,
  });
  return undefined;
}

/** Takes the collection of logs one step further: make the archive, open the upload, ask, send a chunk, or commit. */
export async function logsStep(context: Context): Promise<Apply> {
  const { logs } = context.facts();
  if (logs === null) return () => undefined;
  const { terms } = logs;
  if (terms === null || !archiveStands(context, terms)) return makeAnew(context, logs);
  if (terms.uploadId === undefined) return open(context, logs, terms);
  if (logs.held === null) return ask(context, logs, terms, terms.uploadId);
  const missing = firstMissing(new Set(logs.held), chunkCountOf(terms));
  if (missing !== undefined) return send(context, logs, terms, terms.uploadId, missing);
  return commit(context, logs, terms, terms.uploadId);
}

async function makeAnew(context: Context, logs: LogsFacts): Promise<Apply> {
  try {
    const terms = await makeArchive(context);
    return () => {
      keepLogs(context, { ...logs, terms, held: null });
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return () => {
      end(context, logs, 'FAILED', `the archive could not be made: ${reason}`);
    };
  }
}

async function open(context: Context, logs: LogsFacts, terms: LogsTerms): Promise<Apply> {
  const { encodedBytes, chunkBytes, digest } = terms;
  const result = await context.platform.openUpload(
    {
      kind: 'logs',
      // The archive is compressed itself.
      encoding: 'identity',
      rawBytes: encodedBytes,
      encodedBytes,
      digest,
      chunkBytes,
      chunkCount: chunkCountOf(terms),
    },
    terms.idempotencyKey,
  );
  return taking(context, logs, result, (state) => {
    takeState(context, { ...logs, terms: { ...terms, uploadId: state.uploadId } }, state);
  });
}

async function ask(context: Context, logs: LogsFacts, terms: LogsTerms, uploadId: string): Promise<Apply> {
  const result = await context.platform.uploadState(uploadId);
  return taking(context, logs, result, (state) => {
    takeState(context, { ...logs, terms }, state);
  });
}

function takeState(context: Context, logs: LogsFacts, state: UploadState): void {
  if (state.state === 'committed') end(context, logs, 'DONE', `upload ${state.uploadId}`);
  else keepLogs(context, { ...logs, held: state.held, failures: 0 });
}

async function send(
  context: Context,
  logs: LogsFacts,
  terms: LogsTerms,
  uploadId: string,
  n: number,
): Promise<Apply> {
  const startedAt = context.clock.now();
  const bytes = readChunk(context, terms, n);
  const { networkThrottleTxKbps } = context.facts().profile;
  const result = await context.platform.putChunk(uploadId, n, bytes, networkThrottleTxKbps);
  return taking(context, logs, result, () => {
    const held = [...(logs.held ?? []), n];
    const of = chunkCountOf(terms);
    context.countSent(bytes.length);
    context.emit({ name: 'chunk', type: 'logs', n: n + 1, of, bytes: bytes.length });
    const pauseMs = held.length < of ? deltaIntervalSec(context.facts()) * 1000 : 0;
    // From start to start, as for every upload (R144).
    context.update({ logs: { ...logs, held, nextStepAt: startedAt + pauseMs, failures: 0 } });
  });
}

async function commit(context: Context, logs: LogsFacts, terms: LogsTerms, uploadId: string): Promise<Apply> {
  const result = await context.platform.commit(uploadId);
  return taking(context, logs, result, () => {
    end(context, logs, 'DONE', `${terms.encodedBytes} bytes, upload ${uploadId}`);
  });
}

function taking<T>(context: Context, logs: LogsFacts, result: Result<T>, take: (value: T) => void): Apply {
  return () => {
    if (result.ok) {
      exchangeWorked(context);
      take(result.value);
    } else failed(context, logs, result.failure);
  };
}

/** Acknowledges the command, and forgets what was made for it. First the record: a crash in between repeats the rest. */
function end(context: Context, logs: LogsFacts, result: CommandResult, detail: string): void {
  context.log.info(`command ${logs.command.type}: ${result}, ${detail}`);
  recordCommand(context, logs.command, result, detail);
  context.store.commands.finish(logs.command.id, result);
  forgetLogs(context);
}

/** What a refusal means for the upload (protocol, "Errors"); the archive is what it is, so no other one follows. */
function failed(context: Context, logs: LogsFacts, failure: Failure): void {
  const { terms } = logs;
  if (failure.kind !== 'api' || terms === null) {
    later(context, logs, failure);
    return;
  }
  const { status, code } = failure;
  if (status === 404 && code === 'UPLOAD_UNKNOWN') reopen(context, logs, terms, terms.chunkBytes);
  else if (status === 409 && code === 'UPLOAD_INCOMPLETE') {
    context.update({ logs: { ...logs, held: null, nextStepAt: afterPause(context) } });
  } else if (status === 413 && terms.chunkBytes > UPLOAD_LIMITS.chunkBytesMin) {
    const half = Math.max(UPLOAD_LIMITS.chunkBytesMin, Math.floor(terms.chunkBytes / 2));
    reopen(context, logs, terms, half);
  } else if ([400, 403, 409, 413].includes(status)) end(context, logs, 'FAILED', describeFailure(failure));
  else later(context, logs, failure);
}

const afterPause = (context: Context): number =>
  context.clock.now() + deltaIntervalSec(context.facts()) * 1000;

function reopen(context: Context, logs: LogsFacts, terms: LogsTerms, chunkBytes: number): void {
  const { uploadId: _before, ...same } = terms;
  const again = { ...same, chunkBytes, idempotencyKey: context.random.uuid() };
  keepLogs(context, { ...logs, terms: again, held: null, nextStepAt: afterPause(context) });
}

/**
 * Nothing is lost, and the same step is tried again, ever later while it fails; at once where the agent ended the exchange
 * itself for a better network. After silence the platform is asked.
 */
function later(context: Context, logs: LogsFacts, failure: Failure): void {
  exchangeFailed(context, failure);
  if (wasEnded(failure)) {
    context.update({ logs: { ...logs, held: null, nextStepAt: context.clock.now(), failures: 0 } });
    return;
  }
  const facts = context.facts();
  const capMs = statusIntervalSec(facts) * 1000;
  const before = { failures: logs.failures, nextAt: 0 };
  const again = uplinkFailed(before, context.clock.now(), context.random.next(), capMs);
  const nextStepAt = Math.max(again.nextAt, facts.uplink.nextAt);
  context.update({ logs: { ...logs, held: null, nextStepAt, failures: again.failures } });
}
