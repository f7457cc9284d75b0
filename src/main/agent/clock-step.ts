import { movedBlackout } from './blackout.ts';
import {
  mapStreams,
  type BackoffFacts,
  type CycleRequest,
  type Facts,
  type StreamFacts,
  type TypeFacts,
} from './facts.ts';

/**
 * The facts after the wall clock was set by `ms` (negative: back). Every moment that something waits for, or that an
 * interval counts from, moves along: a clock that is set back must not silence an agent until it has caught up. What is
 * only told to people (when something was uploaded, say) stays as it was noted.
 */
export function clockStepped(facts: Facts, ms: number): Facts {
  const moved = (at: number): number => at + ms;
  return {
    ...facts,
    pausedUntil: moved(facts.pausedUntil),
    diskNotBefore: moved(facts.diskNotBefore),
    provisioning: movedBackoff(facts.provisioning, ms),
    uplink: movedBackoff(facts.uplink, ms),
    blackout: movedBlackout(facts.blackout, ms),
    documentsNotBefore: mapValues(facts.documentsNotBefore, moved),
    lastHeartbeatAt: movedOrNull(facts.lastHeartbeatAt, ms),
    lastSyncCheckAt: movedOrNull(facts.lastSyncCheckAt, ms),
    pending:
      facts.pending === null ? null : { ...facts.pending, nextStepAt: moved(facts.pending.nextStepAt) },
    logs: facts.logs === null ? null : { ...facts.logs, nextStepAt: moved(facts.logs.nextStepAt) },
    streams: mapStreams(facts.streams, (stream) => movedStream(stream, ms)),
    types: mapValues(facts.types, (type) => movedType(type, ms)),
  };
}

function movedStream(stream: StreamFacts, ms: number): StreamFacts {
  const { payload } = stream;
  return {
    ...stream,
    waitingSince: movedOrNull(stream.waitingSince, ms),
    notBefore: stream.notBefore + ms,
    payload: payload === null ? null : { ...payload, nextStepAt: payload.nextStepAt + ms },
  };
}

function movedType(type: TypeFacts, ms: number): TypeFacts {
  return {
    ...type,
    startedAt: movedOrNull(type.startedAt, ms),
    cycleEndedAt: movedOrNull(type.cycleEndedAt, ms),
    requested: movedRequest(type.requested, ms),
    serving: movedRequest(type.serving, ms),
    notBefore: type.notBefore + ms,
  };
}

const movedOrNull = (at: number | null, ms: number): number | null => (at === null ? null : at + ms);

const movedBackoff = (backoff: BackoffFacts, ms: number): BackoffFacts => ({
  ...backoff,
  nextAt: backoff.nextAt + ms,
  ...(backoff.heldUntil !== undefined && { heldUntil: backoff.heldUntil + ms }),
});

const movedRequest = (request: CycleRequest | null, ms: number): CycleRequest | null =>
  request === null ? null : { ...request, notBefore: request.notBefore + ms };

function mapValues<K extends string, V>(
  record: Readonly<Partial<Record<K, V>>>,
  change: (value: V) => V,
): Record<K, V> {
  const entries = Object.entries(record) as [K, V][];
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value)])) as Record<K, V>;
}
