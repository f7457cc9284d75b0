import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { defaultProfile } from '../../shared/profile.ts';
import type { NetworkState } from '../host/network/network.ts';
import type { Facts } from './facts.ts';
import { correlationIdReported, reportedCorrelationId, scanMergeWish } from './scan-merge-wish.ts';
import { restingFacts } from './testing/facts.ts';
import { MemoryValues } from './testing/memory-values.ts';

const HOST_ID = '11111111-1111-4111-8111-111111111111';
const on = { profile: { ...defaultProfile(), scanMergeEnabled: true } };

/** The part of the core's context that the wish is made from. */
function contextOf(change: Partial<Facts> = on, hostId: string | null = HOST_ID) {
  const kv = new MemoryValues();
  const context = {
    facts: () => restingFacts(change),
    identity: { registration: hostId === null ? undefined : { hostId } },
    store: { kv },
    random: { next: () => 0, uuid: () => randomUUID() },
  };
  return context as unknown as Parameters<typeof reportedCorrelationId>[0];
}

const network: NetworkState = {
  online: true,
  metered: false,
  addresses: [{ interface: 'eth0', address: '10.0.0.2', family: 'IPv4', prefix: 8 }],
  gateways: ['10.0.0.1'],
  dnsSuffixes: ['example.com'],
};

describe('what scan merge is to do', () => {
  it('R270 R271 R273 is what the profile says', () => {
    const profile = { ...on.profile, scanMergePorts: [1, 2], scanMergeBindAll: true };
    expect(scanMergeWish(contextOf({ profile }), undefined)).toMatchObject({
      enabled: true,
      ports: [1, 2],
      bindAll: true,
      onPremise: { ipRange: '0.0.0.0/0' },
    });
    expect(scanMergeWish(contextOf({}), undefined).enabled).toBe(false);
  });

  it('R275 takes the place from the network, and none before it was looked at', () => {
    const { addresses, gateways, dnsSuffixes } = network;
    const hostName = hostname().split('.')[0];
    expect(scanMergeWish(contextOf(), network).place).toEqual({ addresses, gateways, dnsSuffixes, hostName });
    expect(scanMergeWish(contextOf(), undefined).place).toEqual({
      addresses: [],
      gateways: [],
      dnsSuffixes: [],
      hostName,
    });
  });

  it('shows the identifier only after the heartbeat that named it was answered', () => {
    const context = contextOf();
    expect(scanMergeWish(context, network).correlationId).toBeNull();
    const reported = reportedCorrelationId(context);
    expect(scanMergeWish(context, network).correlationId).toBeNull();
    correlationIdReported(context);
    expect(scanMergeWish(context, network).correlationId).toBe(reported);
    expect(reportedCorrelationId(context)).toBe(reported);
    expect(reported).not.toBe(HOST_ID);
  });

  it.each([
    ['the profile does not ask for it', contextOf({})],
    ['the host is not registered', contextOf({ ...on, provisioned: false })],
    ['the platform removed the agent', contextOf({ ...on, uninstalled: true })],
    ['there is no Host ID', contextOf(on, null)],
  ])('R270 reports and shows nothing while %s', (_, context) => {
    expect(reportedCorrelationId(context)).toBeUndefined();
    correlationIdReported(context);
    expect(scanMergeWish(context, network).correlationId).toBeNull();
  });
});
