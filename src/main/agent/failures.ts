import type { ConditionCode } from '../../shared/conditions.ts';
import { toInstant } from '../clock.ts';
import { describeFailure, type Failure } from '../uplink/failure.ts';
import { noBackoff, uplinkFailed } from './backoff.ts';
import type { Context } from './context.ts';
import { statusIntervalSec } from './plan.ts';

/** Conditions that a successful exchange disproves. */
const CLEARED_BY_SUCCESS: readonly ConditionCode[] = [
  'PLATFORM_UNREACHABLE',
  'PLATFORM_TLS',
  'PLATFORM_REPLY_INVALID',
  'PLATFORM_KEY_MISMATCH',
  'PLATFORM_ERROR',
];

/** The platform answered as it should: back-off and connection conditions are over. */
export function exchangeWorked(context: Context): void {
  for (const code of CLEARED_BY_SUCCESS) context.conditions.clear(code);
  if (context.facts().uplink.failures > 0) {
    context.log.info('the platform answers again');
    context.update({ uplink: noBackoff });
  }
}

/**
 * An exchange with a platform that knows this agent failed in a way that is not its own business: sets the back-off,
 * raises the condition that names cause and next step, or follows what the platform says of this agent.
 */
export function exchangeFailed(context: Context, failure: Failure): void {
  if (failure.kind === 'api' && failure.code === 'AGENT_UNKNOWN') {
    agentUnknown(context);
    return;
  }
  if (failure.kind === 'api' && failure.status === 410) {
    uninstalled(context);
    return;
  }
  const now = context.clock.now();
  const facts = context.facts();
  const retryAfterMs = failure.kind === 'api' ? (failure.retryAfterSec ?? 0) * 1000 : 0;
  const capMs = statusIntervalSec(facts) * 1000;
  const uplink = uplinkFailed(facts.uplink, now, context.random.next(), capMs, retryAfterMs);
  context.update({ uplink, heartbeatWanted: facts.heartbeatWanted || failure.kind === 'transport' });
  raiseConnection(context, failure, uplink.nextAt);
}

/** Raises the condition of a failed exchange; `nextAt` is when the next attempt is made. */
export function raiseConnection(context: Context, failure: Failure, nextAt: number): void {
  const platform = context.settings.webServiceUri ?? '';
  const reason = describeFailure(failure);
  const next = toInstant(nextAt);
  const now = context.clock.now();
  switch (failure.kind) {
    case 'transport':
      context.conditions.raise('PLATFORM_UNREACHABLE', now, { platform, reason, next });
      break;
    case 'tls':
      context.conditions.raise('PLATFORM_TLS', now, { platform, reason, next });
      break;
    case 'unverified':
      raiseUnverified(context, failure, now);
      break;
    case 'api':
      context.conditions.raise('PLATFORM_ERROR', now, { reason, next });
      break;
  }
}

function raiseUnverified(
  context: Context,
  failure: Extract<Failure, { kind: 'unverified' }>,
  now: number,
): void {
  const pinned = context.pinnedKeyId();
  if (failure.givenKeyId !== undefined && pinned !== undefined && failure.givenKeyId !== pinned) {
    context.conditions.raise('PLATFORM_KEY_MISMATCH', now, { given: failure.givenKeyId, pinned });
  } else {
    context.conditions.raise('PLATFORM_REPLY_INVALID', now, { reason: failure.reason });
  }
}

/** 404 AGENT_UNKNOWN: register again with the same Host ID (protocol, "Errors"). */
function agentUnknown(context: Context): void {
  context.log.warn('the platform does not know this agent: registering again with the same Host ID');
  context.store.kv.delete('registered');
  context.update({ provisioned: false, provisioning: noBackoff, uplink: noBackoff });
}

/** 410: the platform removed this agent; it goes quiet for good. */
function uninstalled(context: Context): void {
  context.log.warn('the platform has removed this agent: nothing is sent any more');
  context.conditions.raise('UNINSTALLED', context.clock.now());
  context.update({ uninstalled: true });
}
