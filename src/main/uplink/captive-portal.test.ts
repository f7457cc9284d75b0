import { describe, expect, it } from 'vitest';
import { recogniseCaptivePortal, type Sighting } from './captive-portal.ts';
import type { ProbeAnswer } from './probe.ts';
import type { TlsInspection } from './tls-inspection.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const base = new URL('https://platform.example/CloudAgent/');
const seen = (more: Partial<Sighting>): Sighting => ({ base, pinned: true, now: NOW, ...more });
const answer = (more: Partial<ProbeAnswer> = {}): ProbeAnswer => ({
  status: 200,
  signature: 'absent',
  ...more,
});
const tls = (more: Partial<TlsInspection> = {}, issuer = 'CN=Hotel'): TlsInspection => ({
  protocol: 'TLSv1.3',
  cipher: 'x',
  authorized: false,
  nameMatches: true,
  chain: [
    {
      subject: 'CN=platform.example',
      issuer,
      validFrom: '2026-01-01T00:00:00.000Z',
      validTo: '2027-01-01T00:00:00.000Z',
      fingerprint256: 'AA',
    },
  ],
  ...more,
});

describe('a captive portal', () => {
  it.each<[string, Partial<Sighting>, string]>([
    ['success without a signature', { probe: answer() }, 'HTTP 200'],
    ['204 without a signature', { probe: answer({ status: 204 }) }, 'HTTP 204'],
    ['"sign in to the network"', { probe: answer({ status: 511 }) }, 'HTTP 511'],
    [
      'a redirect to another host',
      { probe: answer({ status: 302, location: 'http://login.hotel.example/?to=x' }) },
      'redirects platform.example to login.hotel.example',
    ],
    [
      'a certificate for another name',
      { tls: tls({ nameMatches: false }), knownIssuer: 'CN=Good' },
      'shows a certificate of CN=platform.example',
    ],
    [
      'another issuer',
      { tls: tls(), knownIssuer: 'CN=Good' },
      'issued by CN=Hotel on this network, otherwise by CN=Good',
    ],
  ])('is recognised by %s, and only suspected before a key is pinned', (_, sighting, words) => {
    const found = recogniseCaptivePortal(seen(sighting));
    expect(found.state).toBe('portal');
    expect(found.evidence).toContain(words);
    expect(recogniseCaptivePortal(seen({ ...sighting, pinned: false }))).toEqual({
      state: 'suspected',
      evidence: found.evidence,
    });
  });

  it('is only suspected behind a foreign name where the platform was never seen before', () => {
    expect(recogniseCaptivePortal(seen({ tls: tls({ nameMatches: false }) })).state).toBe('suspected');
  });

  it.each<[string, Partial<Sighting>]>([
    ['a reply that the platform signed', { probe: answer({ signature: 'verified' }) }],
    ['a reply that somebody signed', { probe: answer({ signature: 'unknown key' }) }],
    ['a signed reply before a key is pinned', { probe: answer({ signature: 'no key' }), pinned: false }],
    ['an error page', { probe: answer({ status: 404 }) }],
    ['a server in trouble', { probe: answer({ status: 503 }) }],
    ['a redirect on the same host', { probe: answer({ status: 301, location: '/elsewhere' }) }],
    ['a redirect without a place', { probe: answer({ status: 302 }) }],
    ['an unknown CA at the first contact', { tls: tls() }],
    ['the issuer that is known', { tls: tls(), knownIssuer: 'CN=Hotel' }],
    ['a certificate that verifies', { tls: tls({ authorized: true }), knownIssuer: 'CN=Good' }],
    ['a clock years off', { tls: tls(), knownIssuer: 'CN=Good', now: Date.parse('2036-01-01T00:00:00Z') }],
    ['nothing at all', {}],
  ])('is not seen in %s', (_, sighting) => {
    expect(recogniseCaptivePortal(seen(sighting))).toEqual({ state: 'none', evidence: '' });
  });

  it('can not forge a line with the place that it redirects to', () => {
    const { evidence } = recogniseCaptivePortal(
      seen({ probe: answer({ status: 302, location: 'http://\u202eevil\n:99999/' }) }),
    );
    expect(evidence).toBe('This network redirects platform.example to an address that is none');
  });
});
