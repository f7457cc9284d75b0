import type { ConditionCode } from '../../shared/conditions.ts';
import { MAX_CLOCK_SKEW_SEC } from '../../shared/wire.ts';
import { toInstant } from '../clock.ts';
import { describeFailure, wasEnded, type Failure } from '../uplink/failure.ts';
import { noBackoff, provisioningFailed, uplinkFailed } from './backoff.ts';
import type { Context } from './context.ts';
import { statusIntervalSec } from './plan.ts';
import { wantUninstall } from './uninstall-marker.ts';

/** Longest pause behind a sign-in page, ms: signing in changes nothing that the host could notice. */
const PORTAL_CAP_MS = 60_000;

/** Conditions of the connection: at most one holds, and a successful exchange disproves them all. */
const CONNECTION: readonly ConditionCode[] = [
  'PLATFORM_UNREACHABLE',
  'PLATFORM_TLS',
  'PLATFORM_REPLY_INVALID',
  'PLATFORM_KEY_MISMATCH',
  'PLATFORM_ERROR',
  'CAPTIVE_PORTAL',
  'CAPTIVE_PORTAL_SUSPECTED',
];

/** The platform answered as it should: back-off and connection conditions are over. */
export function exchangeWorked(context: Context): void {
  clearConnection(context);
  noteClockOffset(context);
  const facts = context.facts();
  if (facts.uplink.failures > 0) {
    context.log.info('the platform answers again');
    context.update({ uplink: noBackoff });
  }
  // Only now is a registration good: a platform that forgets it at once is not asked again at once.
  if (facts.provisioned && facts.provisioning.failures > 0) context.update({ provisioning: noBackoff });
}

/** Clears the conditions of the connection, but for one. */
export function clearConnection(context: Context, except?: ConditionCode): void {
  for (const code of CONNECTION) if (code !== except) context.conditions.clear(code);
}

/** A clock so wrong that the platform refuses it is corrected for, and said to people. */
function noteClockOffset(context: Context): void {
  const offset = Math.abs(context.clockOffsetSec());
  if (offset <= MAX_CLOCK_SKEW_SEC) context.conditions.clear('CLOCK_SKEW');
  else context.conditions.raise('CLOCK_SKEW', context.clock.now(), { seconds: String(Math.round(offset)) });
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
  if (wasEnded(failure)) return;
  // 410: as UNINSTALL (protocol, "Errors").
  if (failure.kind === 'api' && failure.status === 410) {
    wantUninstall(context);
    return;
  }
  const now = context.clock.now();
  const facts = context.facts();
  const capMs = Math.min(statusIntervalSec(facts) * 1000, longestPauseMs(failure));
  const uplink = uplinkFailed(facts.uplink, now, context.random.next(), capMs, retryAfterMs(failure));
  context.update({ uplink, heartbeatWanted: facts.heartbeatWanted || noPlatform(failure) });
  raiseConnection(context, failure, uplink.nextAt);
}

/** Longest pause that a failure may lead to, ms: its own bound, if it has one. */
export const longestPauseMs = ({ kind }: Failure): number =>
  kind === 'portal' ? PORTAL_CAP_MS : Number.POSITIVE_INFINITY;

/** Whether nobody who speaks for a platform was met: the heartbeat that was missed goes first, once there is one again. */
const noPlatform = ({ kind }: Failure): boolean =>
  kind === 'transport' || kind === 'proxy' || kind === 'portal';

/** What the platform asked to wait (429, 503), ms; 0 when it said nothing. */
export function retryAfterMs(failure: Failure): number {
  return failure.kind === 'api' ? (failure.retryAfterSec ?? 0) * 1000 : 0;
}

/** Raises the condition of a failed exchange; `nextAt` is when the next attempt is made. */
export function raiseConnection(context: Context, failure: Failure, nextAt: number): void {
  const platform = context.settings.webServiceUri ?? '';
  const reason = describeFailure(failure);
  const next = toInstant(nextAt);
  const now = context.clock.now();
  const code = connectionCode(context, failure);
  clearConnection(context, code);
  const given = failure.kind === 'unverified' ? (failure.givenKeyId ?? '') : '';
  const pinned = context.pinnedKeyId() ?? '';
  const evidence = failure.kind === 'portal' ? failure.evidence : '';
  const step = nextStep(context, failure);
  context.conditions.raise(code, now, { platform, reason, step, next, given, pinned, evidence });
}

/** What a person does next about a platform that can't be reached or verified. */
function nextStep(context: Context, failure: Failure): string {
  if (failure.kind === 'tls') {
    if (/EXPIRED|NOT_YET_VALID/.test(failure.code)) {
      return 'Set the clock of this host, or have the certificate renewed';
    }
    if (/ALTNAME|HOSTNAME/.test(failure.code))
      return 'Check that WebServiceUri names what the certificate is for';
    return 'Set CaFile to the CA that issued it, or have it added to the system';
  }
  return failure.kind === 'proxy' || context.proxiesTried()
    ? 'Check the network, the proxy settings (wayfarerctl proxy test shows each) and WebServiceUri'
    : 'Check the network and WebServiceUri';
}

function connectionCode(context: Context, failure: Failure): ConditionCode {
  switch (failure.kind) {
    case 'transport':
    case 'proxy':
      return 'PLATFORM_UNREACHABLE';
    case 'portal':
      return failure.suspected ? 'CAPTIVE_PORTAL_SUSPECTED' : 'CAPTIVE_PORTAL';
    case 'tls':
      return 'PLATFORM_TLS';
    case 'api':
      return 'PLATFORM_ERROR';
    case 'unverified': {
      const pinned = context.pinnedKeyId();
      const other = failure.givenKeyId !== undefined && pinned !== undefined && failure.givenKeyId !== pinned;
      return other ? 'PLATFORM_KEY_MISMATCH' : 'PLATFORM_REPLY_INVALID';
    }
  }
}

/**
 * 404 AGENT_UNKNOWN: register again with the same Host ID (protocol, "Errors"). At once the first time; a platform that
 * forgets it again before anything else worked has to wait for the back-off.
 */
function agentUnknown(context: Context): void {
  context.log.warn('the platform does not know this agent: registering again with the same Host ID');
  context.store.kv.delete('registered');
  const hostId = context.identity.registration?.hostId;
  context.identity.proposal = hostId === undefined ? undefined : { hostId };
  const now = context.clock.now();
  const before = context.facts().provisioning;
  const provisioning = before.failures === 0 ? { failures: 1, nextAt: now } : provisioningFailed(before, now);
  context.update({ provisioned: false, provisioning, uplink: noBackoff });
}
