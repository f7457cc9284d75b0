import type { Command, CommandResult } from '../../shared/wire.ts';
import { describeFailure } from '../uplink/failure.ts';
import type { Apply, Context } from './context.ts';
import type { LogsFacts, SideTerms } from './facts.ts';
import { archiveStands, forgetLogs, keepLogs, makeArchive, readChunk } from './logs-archive.ts';
import { recordCommand } from './records.ts';
import { sideUploadStep } from './side-upload.ts';

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

/** Takes the collection of logs one step further: make the archive, or take its upload a step further. */
export async function logsStep(context: Context): Promise<Apply> {
  const { logs } = context.facts();
  if (logs === null) return () => undefined;
  const { terms } = logs;
  if (terms === null || !archiveStands(context, terms)) return makeAnew(context, logs);
  return sendArchive(context, logs, terms);
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

/** The archive is what it is, so that a refused one is followed by no other. */
function sendArchive(context: Context, logs: LogsFacts, terms: SideTerms): Promise<Apply> {
  return sideUploadStep(
    context,
    { ...logs, terms },
    {
      name: 'logs',
      // The archive is compressed itself.
      body: { kind: 'logs', encoding: 'identity', rawBytes: terms.encodedBytes },
      chunk: (n) => readChunk(context, terms, n),
      keep: (upload) => {
        keepLogs(context, { command: logs.command, ...upload });
      },
      done: (uploadId) => {
        end(context, logs, 'DONE', `${terms.encodedBytes} bytes, upload ${uploadId}`);
      },
      refused: (failure) => {
        end(context, logs, 'FAILED', describeFailure(failure));
      },
    },
  );
}

/** Acknowledges the command, and forgets what was made for it. First the record: a crash in between repeats the rest. */
function end(context: Context, logs: LogsFacts, result: CommandResult, detail: string): void {
  context.log.info(`command ${logs.command.type}: ${result}, ${detail}`);
  recordCommand(context, logs.command, result, detail);
  context.store.commands.finish(logs.command.id, result);
  forgetLogs(context);
}
