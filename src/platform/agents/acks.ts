import type { AckRecord } from '../../shared/wire.ts';
import type { Context } from '../context.ts';
import type { Agent } from '../store/agents.ts';

/** Activities that the platform puts on record itself, in the transaction of what they say: an agent's word would double them. */
const SEEN_HERE: readonly string[] = ['Provisioned', 'Inventory Scan Complete', 'Scan Complete'];

/**
 * Takes acknowledgement records, each once per id however often it is sent. Returns how many of them are stored now,
 * repeats included: what an agent may forget.
 */
export function takeAcks(context: Context, agent: Agent, records: readonly AckRecord[]): number {
  for (const record of records) {
    if (context.store.events.addRecord(agent.id, record.id, record.kind, record, context.now())) {
      apply(context, agent, record);
    }
  }
  context.store.events.trimRecords(agent.id);
  context.store.events.trimCommands(agent.id, context.limits.doneCommands);
  return records.length;
}

function apply(context: Context, agent: Agent, record: AckRecord): void {
  const { events } = context.store;
  switch (record.kind) {
    case 'command':
      events.acknowledge(agent.id, record.commandId, record.result, record.detail ?? null, context.now());
      break;
    case 'activity':
      if (SEEN_HERE.includes(record.activity)) break;
      events.addActivity(agent.id, record.activity, timeOf(context, record.at), record.detail ?? null);
      break;
    case 'gap':
      context.log('warn', `agent ${agent.id}: ${record.count} records of ${record.stream} were dropped`);
      break;
  }
}

/** A host whose clock runs ahead must not pin its "last activity" to the future. */
function timeOf(context: Context, at: string): number {
  return Math.min(context.now(), Date.parse(at));
}
