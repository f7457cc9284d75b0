import { hostname } from 'node:os';
import type { NetworkState } from '../host/network/network.ts';
import type { StartAgentId } from './agentid-process.ts';
import type { Context } from './context.ts';
import { correlationIdNamed, correlationIdOf, namedCorrelationId } from './correlation-id.ts';
import type { Facts } from './facts.ts';
import { ScanMerge, type ScanMergeWish } from './scan-merge.ts';
import type { Post } from './surroundings.ts';

type Known = Pick<Context, 'facts' | 'identity' | 'store'>;

/** Scan merge as a part of the core: what keeps it from listening becomes a condition, inside an event. */
export function openScanMerge(
  { clock, log, conditions }: Pick<Context, 'clock' | 'log' | 'conditions'>,
  start: StartAgentId,
  post: Post,
): ScanMerge {
  return new ScanMerge({
    start,
    clock,
    log,
    onState: ({ condition }) => {
      post('scan merge', () => {
        if (condition === null) conditions.clear('SCAN_MERGE');
        else conditions.raise('SCAN_MERGE', clock.now(), { ...condition });
      });
    },
  });
}

/**
 * What the endpoint is to do under the facts in force. It shows nothing before a heartbeat has told the platform what
 * scanners will read. `network` is `undefined` before the first look at it.
 */
export function scanMergeWish(context: Known, network: NetworkState | undefined): ScanMergeWish {
  const { profile, uninstalled } = context.facts();
  const hostId = exposedHostId(context);
  return {
    enabled: profile.scanMergeEnabled && !uninstalled,
    ports: profile.scanMergePorts,
    bindAll: profile.scanMergeBindAll,
    onPremise: profile.onPremise,
    place: {
      addresses: network?.addresses ?? [],
      gateways: network?.gateways ?? [],
      dnsSuffixes: network?.dnsSuffixes ?? [],
      hostName: hostname().replace(/\..*$/, ''),
    },
    correlationId: hostId === undefined ? null : (namedCorrelationId(context.store.kv, hostId) ?? null),
  };
}

/**
 * The identifier for a heartbeat: only while the profile asks for scan merge (R270), made when there is none. Throws
 * what the store throws.
 */
export function reportedCorrelationId(context: Known & Pick<Context, 'random'>): string | undefined {
  const hostId = exposedHostId(context);
  return hostId === undefined ? undefined : correlationIdOf(context.store.kv, hostId, context.random.uuid);
}

/** A platform answered the heartbeat that named the identifier: scanners may see it from now on. Throws as the store. */
export function correlationIdReported(context: Known): void {
  const hostId = exposedHostId(context);
  if (hostId !== undefined) correlationIdNamed(context.store.kv, hostId);
}

/** The Host ID that an identifier stands for, where profile and registration allow one. */
function exposedHostId({ facts, identity }: Pick<Context, 'facts' | 'identity'>): string | undefined {
  const { profile, provisioned, uninstalled }: Facts = facts();
  return profile.scanMergeEnabled && provisioned && !uninstalled ? identity.registration?.hostId : undefined;
}
