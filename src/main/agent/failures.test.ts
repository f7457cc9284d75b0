import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../uplink/failure.ts';
import { MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  await rig.start();
});
afterEach(() => rig.dispose());

/** Makes heartbeats fail this way from now on, long enough for a condition to show. */
async function failing(fail: Failure): Promise<void> {
  rig.platform.twist('heartbeat', ...Array.from({ length: 100 }, () => ({ fail })));
  await rig.pass(20 * MINUTE);
}

describe('the condition of a failed exchange', () => {
  it.each<[Failure, string]>([
    [{ kind: 'proxy', code: 'PROXY_503', reason: 'busy' }, 'PLATFORM_UNREACHABLE'],
    [{ kind: 'proxy', code: 'PROXY_407', reason: 'no', schemes: ['Basic'] }, 'PLATFORM_UNREACHABLE'],
    [{ kind: 'tls', code: 'CERT_HAS_EXPIRED', reason: 'over' }, 'PLATFORM_TLS'],
    [{ kind: 'portal', suspected: false, evidence: 'a page' }, 'CAPTIVE_PORTAL'],
    [{ kind: 'portal', suspected: true, evidence: 'a page' }, 'CAPTIVE_PORTAL_SUSPECTED'],
  ])('of %j is %s alone, and it is over once an exchange works', async (failure, code) => {
    await failing(failure);
    expect(rig.conditions).toEqual([code]);
    rig.platform.straighten();
    await rig.pass(30 * MINUTE);
    expect(rig.conditions).toEqual([]);
  });

  it.each<[Failure, string]>([
    [{ kind: 'transport', code: 'ENETUNREACH', reason: 'no' }, 'Check the network and WebServiceUri; next'],
    [{ kind: 'proxy', code: 'PROXY_503', reason: 'busy' }, 'proxy settings (wayfarerctl proxy test'],
    [{ kind: 'tls', code: 'CERT_NOT_YET_VALID', reason: 'early' }, 'Set the clock of this host'],
    [{ kind: 'tls', code: 'CERT_HAS_EXPIRED', reason: 'late' }, 'Set the clock of this host'],
    [{ kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID', reason: 'other' }, 'Check that WebServiceUri'],
    [{ kind: 'tls', code: 'SELF_SIGNED_CERT_IN_CHAIN', reason: 'own' }, 'Set CaFile'],
  ])('of %j names the next step of its kind', async (failure, step) => {
    await failing(failure);
    const [condition] = rig.status.conditions;
    expect(condition?.text).toContain(step);
    if (step !== 'Set CaFile') expect(condition?.text).not.toContain('CaFile');
  });

  it('names the proxies where one was among the ways, whatever failed last', async () => {
    rig.attempts.push({
      route: 'proxy#1',
      proxy: 'http://p:1',
      source: 'configured',
      ok: false,
      result: '',
      elapsedMs: 1,
    });
    await failing({ kind: 'transport', code: 'ECONNREFUSED', reason: 'refused' });
    expect(rig.status.conditions[0]?.text).toContain('wayfarerctl proxy test');
  });

  it('changes with what is found: a network that was dead turns out to have a sign-in page', async () => {
    await failing({ kind: 'transport', code: 'ENETUNREACH', reason: 'unreachable' });
    expect(rig.conditions).toEqual(['PLATFORM_UNREACHABLE']);
    rig.platform.straighten();
    await failing({ kind: 'portal', suspected: false, evidence: 'a page' });
    expect(rig.conditions).toEqual(['CAPTIVE_PORTAL']);
  });

  it('never drops what was collected nor the identity of a host behind a sign-in page', async () => {
    const { hostId } = rig.status.identity;
    await failing({ kind: 'portal', suspected: false, evidence: 'a page' });
    expect(rig.status.identity.hostId).toBe(hostId);
    rig.platform.straighten();
    await rig.pass(30 * MINUTE);
    expect(rig.inSync()).toBe(true);
    expect(rig.platform.of('provision')).toHaveLength(1);
  });
});
