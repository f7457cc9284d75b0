import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { Command, StatusReply, StatusRequest } from '../../shared/wire.ts';
import { isManifestType } from '../../shared/modules.ts';
import { instant, type Context } from '../context.ts';
import type { Agent } from '../store/agents.ts';
import { currentConfig } from './config.ts';
import { manifestVersions } from './manifests.ts';

/** Commands looked at for one reply. */
const COMMANDS_PER_REPLY = 10;
/** What a reply may have in bytes (R108); the first of the waiting commands goes out whatever it has. */
const REPLY_BYTES = 1_000;

type Status = z.output<typeof StatusRequest>;
type Reply = z.input<typeof StatusReply>;

/**
 * Takes a heartbeat and answers it. One from other hardware, or one whose counter does not grow, is a clone's: its
 * reply alone carries `REPROVISION` and nothing of the record changes (R095, R097).
 */
export function heartbeat(context: Context, agentId: string, status: Status): Reply {
  return context.store.transaction(() => {
    // Read inside the transaction: of two heartbeats with one counter exactly one is the later.
    const agent = context.store.agents.get(agentId);
    if (agent === undefined) throw new Error(`agent ${agentId} vanished`);
    const clone = cloneReason(agent, status);
    if (clone !== undefined) {
      context.log('warn', `agent ${agent.id}: ${clone}; answered REPROVISION`);
      return replyTo(context, agent, [{ id: randomUUID(), type: 'REPROVISION', args: {} }]);
    }
    record(context, agent, status);
    const waiting = context.store.events
      .waiting(agent.id, COMMANDS_PER_REPLY)
      .map(({ id, type, args }) => ({ id, type, args }));
    return withinKilobyte(replyTo(context, agent, waiting));
  });
}

/** The reply with as many of its commands as fit; the others wait for the next heartbeat. */
function withinKilobyte(reply: Reply): Reply {
  const { commands = [] } = reply;
  let fitting = commands.length;
  const cut = (): Reply => ({ ...reply, commands: commands.slice(0, fitting) });
  while (fitting > 1 && Buffer.byteLength(JSON.stringify(cut())) > REPLY_BYTES) fitting -= 1;
  return cut();
}

function cloneReason(agent: Agent, status: Status): string | undefined {
  if (status.fingerprint !== agent.fingerprint.slice(0, 8)) return 'heartbeat from other hardware';
  if (status.counter <= agent.counter) {
    return `heartbeat counter ${status.counter} after ${agent.counter}`;
  }
  return undefined;
}

function record(context: Context, agent: Agent, status: Status): void {
  const now = context.now();
  const { agentVersion, state, counter, correlationId = null, ...rest } = status;
  context.store.agents.put({
    ...agent,
    agentVersion,
    state,
    counter,
    correlationId,
    status: rest,
    lastCheckedIn: now,
    lastSeen: now,
  });
}

function replyTo(context: Context, agent: Agent, commands: Command[]): Reply {
  const processed: Record<string, { seq: number; at: string }> = {};
  for (const head of context.store.snapshots.heads(agent.id)) {
    if (head.processedSeq !== null && head.processedAt !== null && isManifestType(head.type)) {
      processed[head.type] = { seq: head.processedSeq, at: instant(head.processedAt) };
    }
  }
  return {
    serverTime: instant(context.now()),
    configVersion: currentConfig(context, agent).version,
    manifestVersions: manifestVersions(context, agent),
    modules: [...agent.modules],
    processed,
    commands,
  };
}
