import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventStream } from '../../shared/host-events.ts';
import type { Context } from '../context.ts';
import type { Upload } from '../store/uploads.ts';
import { linesOf } from '../uploads/decode.ts';
import { finish, rawPieces, refusal, streamReply } from '../uploads/ending.ts';
import type { Outcome } from '../uploads/outcome.ts';
import { payloadLines, type PayloadLine } from './payload.ts';
import { takeLines, type Taken } from './take.ts';

/** Lines of one transaction; between two of them other requests are answered. */
const BATCH = 100;

/**
 * Ends an upload of events. It is read twice: first to see that every line of it is good, then to store them in batches. So one
 * bad line refuses all of it, and a crash between two batches leaves an open upload, whose repeated commit stores the rest.
 */
export async function commitEvents(context: Context, upload: Upload, stream: EventStream): Promise<Outcome> {
  try {
    for await (const _ of batchesOf(context, upload, stream)) await nextTurn();
  } catch (error) {
    return finish(context, upload, refusal(error));
  }
  const total: Taken = { stored: 0, repeated: 0, gaps: 0, faults: 0, restarts: 0 };
  for await (const batch of batchesOf(context, upload, stream)) {
    const taken = context.store.transaction(() => takeLines(context, upload.agent, stream, batch));
    for (const name of Object.keys(total) as (keyof Taken)[]) total[name] += taken[name];
    await nextTurn();
  }
  report(context, upload, stream, total);
  return finish(context, upload, { status: 200, reply: streamReply(upload) });
}

async function* batchesOf(
  context: Context,
  upload: Upload,
  stream: EventStream,
): AsyncGenerator<PayloadLine[], void, undefined> {
  let batch: PayloadLine[] = [];
  for await (const line of payloadLines(linesOf(rawPieces(context, upload)), stream, upload.agent)) {
    batch.push(line);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

function report(context: Context, { agent }: Upload, stream: EventStream, taken: Taken): void {
  const { stored, repeated, gaps, faults, restarts } = taken;
  context.log('info', `agent ${agent}: ${stored} events of ${stream}, ${repeated} repeated, ${gaps} gaps`);
  if (faults > 0)
    context.log('warn', `agent ${agent}: CHAIN_BROKEN: ${faults} faults in the chain of ${stream}`);
  if (restarts > 0) context.log('warn', `agent ${agent}: the chain of ${stream} restarted`);
}
