import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AckRecord, type Activity, type CommandResult } from '../../shared/wire.ts';
import { toInstant } from '../clock.ts';
import type { Apply, Context } from './context.ts';
import { exchangeFailed, exchangeWorked } from './failures.ts';

/** Stream of the queue that carries acknowledgements and activity records. */
export const RECORDS_STREAM = 'records';
/** Bound of that stream on disk. */
export const RECORDS_MAX_BYTES = 4 * 1024 * 1024;

/** Most records of one message. */
const BATCH = { maxRecords: 200, maxBytes: 256 * 1024 };

/** Puts a life-cycle activity on record (R118–R123): durable before it returns, delivered at least once. */
export function recordActivity(context: Context, activity: Activity, detail?: string): void {
  const now = context.clock.now();
  const at = toInstant(now);
  append(context, {
    kind: 'activity',
    id: context.random.uuid(),
    at,
    activity,
    ...(detail !== undefined && { detail }),
  });
  context.store.kv.set('lastActivity', { name: activity, at });
}

/** Acknowledges a command with its result. */
export function recordCommand(
  context: Context,
  command: { readonly id: string; readonly type: string },
  result: CommandResult,
  detail?: string,
): void {
  append(context, {
    kind: 'command',
    // Of the command, so that asking again while it waits in the queue adds nothing.
    id: command.id,
    at: toInstant(context.clock.now()),
    commandId: command.id,
    type: command.type,
    result,
    ...(detail !== undefined && { detail: detail.slice(0, 500) }),
  });
  context.emit({ name: 'command', type: command.type, result });
}

function append(context: Context, record: AckRecord): void {
  const at = context.clock.now();
  context.store.events.enqueue(RECORDS_STREAM, [{ id: record.id, at, body: JSON.stringify(record) }]);
  context.update({ queuedRecords: countRecords(context) });
  const count = droppedRecords(context) - reportedDrops(context);
  if (count > 0) context.conditions.raise('EVENTS_DROPPED', at, { count: String(count) });
}

const REPORTED = 'dropsReported';

/** Records that did not fit into the queue, in all. */
export function droppedRecords(context: Pick<Context, 'store'>): number {
  return context.store.events.stats()[RECORDS_STREAM]?.dropped ?? 0;
}

const Count = z.number().int();

/** How many of them the platform knows of. */
export function reportedDrops(context: Pick<Context, 'store'>): number {
  return context.store.kv.get(REPORTED, Count) ?? 0;
}

/** Notes that the platform knows of so many in all. */
export function dropsReported(context: Context, total: number): void {
  if (total !== reportedDrops(context)) context.store.kv.set(REPORTED, total);
  context.conditions.clear('EVENTS_DROPPED');
}

/** Records waiting for the platform, gap records included. */
export function countRecords(context: Pick<Context, 'store'>): number {
  return context.store.events.stats()[RECORDS_STREAM]?.records ?? 0;
}

/** What the activity record of `recordActivity` looks like in the store. */
export const LastActivity = z.object({ name: z.string(), at: z.string() });

/** A record that can't be read is said and passed over: it must not hold up the ones behind it. */
function recordOf(context: Context, body: string): AckRecord[] {
  try {
    return [AckRecord.parse(JSON.parse(body))];
  } catch {
    context.log.error('a queued record is unreadable and left out');
    return [];
  }
}

/** Sends the oldest records; they leave the queue once the platform has them. */
export async function sendRecords(context: Context): Promise<Apply> {
  const queued = context.store.events.peek(RECORDS_STREAM, BATCH);
  const last = queued.at(-1);
  const records = queued.flatMap((record): AckRecord[] => {
    if (record.gap) {
      const { count, bytes, firstAt, lastAt } = record.loss;
      const [first, final] = [toInstant(firstAt), toInstant(lastAt)];
      return [
        {
          kind: 'gap',
          id: record.id,
          at: final,
          stream: RECORDS_STREAM,
          count,
          bytes,
          firstAt: first,
          lastAt: final,
        },
      ];
    }
    return recordOf(context, record.body);
  });
  if (last === undefined || records.length === 0) {
    return () => {
      if (last !== undefined) context.store.events.acknowledge(RECORDS_STREAM, last.position);
      context.update({ queuedRecords: countRecords(context) });
    };
  }
  const key = createHash('sha256')
    .update(records.map((record) => record.id).join())
    .digest('hex');
  const result = await context.platform.acknowledge(
    { records },
    key,
    context.facts().profile.networkThrottleTxKbps,
  );
  return () => {
    if (result.ok) {
      exchangeWorked(context);
      context.store.events.acknowledge(RECORDS_STREAM, last.position);
    } else if (result.failure.kind === 'api' && result.failure.status === 400) {
      // The same body would be refused for ever: what it held is dropped, and said so.
      context.log.error(`platform refused ${records.length} records, dropped: ${result.failure.message}`);
      context.store.events.acknowledge(RECORDS_STREAM, last.position);
    } else {
      exchangeFailed(context, result.failure);
    }
    context.update({ queuedRecords: countRecords(context) });
  };
}
