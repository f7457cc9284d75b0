import { z } from 'zod';
import { MANIFEST_TYPES } from '../../shared/modules.ts';
import { AGENT_VERSION, type StatusReply, type StatusRequest } from '../../shared/wire.ts';
import { wasEnded } from '../uplink/failure.ts';
import { checkedInAfterBlackout } from './blackout.ts';
import type { Apply, Context } from './context.ts';
import { countDrops, dropsReported, unreportedDrops, type Drops } from './drops.ts';
import { exchangeFailed, exchangeWorked } from './failures.ts';
import { setModules } from './modules.ts';
import { LastActivity } from './records.ts';
import { obey } from './commands.ts';
import { statusIntervalSec } from './plan.ts';
import { correlationIdReported, reportedCorrelationId } from './scan-merge-wish.ts';
import { cycleEnd, spreadMs } from './schedule.ts';

/**
 * The status cycle (R107–R115): tells the platform how this host stands, learns versions, modules, what was processed,
 * and commands.
 */
export async function heartbeat(context: Context): Promise<Apply> {
  const dropped = countDrops(context);
  const sentAt = context.clock.now();
  const result = await context.platform.heartbeat((route) => statusRequest(context, dropped, route));
  return () => {
    if (!result.ok) {
      exchangeFailed(context, result.failure);
      if (!wasEnded(result.failure)) checkedInAfterBlackout(context);
      return;
    }
    exchangeWorked(context);
    checkedInAfterBlackout(context);
    context.conditions.clear('DISK_FULL', 'state');
    context.update({ lastHeartbeatAt: sentAt, heartbeatWanted: false });
    context.store.kv.set('lastHeartbeatAt', sentAt);
    dropsReported(context, dropped);
    correlationIdReported(context);
    context.emit({ name: 'checked in', commands: result.value.commands.length });
    takeReply(context, result.value);
  };
}

function statusRequest(context: Context, dropped: Drops, route: string): StatusRequest {
  const facts = context.facts();
  const known = MANIFEST_TYPES.filter((type) => facts.types[type] !== undefined);
  const correlationId = reportedCorrelationId(context);
  const lastActivity = context.store.kv.get('lastActivity', LastActivity);
  return {
    agentVersion: AGENT_VERSION,
    counter: nextCounter(context),
    state: context.phase(),
    ...(lastActivity !== undefined && { lastActivity }),
    configVersion: facts.profileVersion,
    manifestVersions: Object.fromEntries(
      known.flatMap((type) => {
        const version = facts.types[type]?.manifest?.version;
        return version === undefined ? [] : [[type, version]];
      }),
    ),
    types: Object.fromEntries(
      known.flatMap((type) => {
        const { seq = 0, root = null } = facts.types[type] ?? {};
        return root === null ? [] : [[type, { seq, root: root.slice(0, 8) }]];
      }),
    ),
    pendingDelta: facts.pending !== null,
    blackout: facts.blackout.until !== null,
    suspended: facts.profile.suspendCollection,
    route,
    fingerprint: context.host.fingerprint.slice(0, 8),
    drops: unreportedDrops(context, dropped),
    ...(correlationId !== undefined && { correlationId }),
  };
}

const Counter = z.number().int();

/**
 * The heartbeat counter, on disk before it is sent: it grows with every attempt, so that two agents that share one key
 * show up as two (protocol, "Clone detection").
 */
function nextCounter(context: Context): number {
  const next = (context.store.kv.get('heartbeatCounter', Counter) ?? 0) + 1;
  context.store.kv.set('heartbeatCounter', next);
  return next;
}

function takeReply(context: Context, reply: StatusReply): void {
  context.update({ profileOffered: reply.configVersion, manifestsOffered: reply.manifestVersions });
  setModules(context, reply.modules);
  for (const type of context.facts().activeTypes) {
    const processed = reply.processed[type];
    if (processed !== undefined) takeProcessed(context, type, processed.seq, Date.parse(processed.at));
  }
  obey(context, reply.commands);
}

/** The platform processed what was committed: the cycle ended then (R166), and the next due time counts from there. */
function takeProcessed(
  context: Context,
  type: (typeof MANIFEST_TYPES)[number],
  seq: number,
  at: number,
): void {
  const known = context.facts().types[type];
  if (known === undefined || known.uploadedAt === null || seq !== known.seq || known.processedAt === at)
    return;
  context.store.snapshots.setProcessed(type, seq, at);
  const now = context.clock.now();
  const cycleEndedAt = cycleEnd(known.uploadedAt, at, now, statusIntervalSec(context.facts()));
  context.updateType(type, { processedAt: at, cycleEndedAt });
}

/** Draws the spread of the next interval of a type (R167, R168). */
export function drawSpread(context: Context): number {
  return spreadMs(context.facts().profile, context.random.next());
}
