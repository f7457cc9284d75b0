import { cleaned } from './failure.ts';
import type { ProbeAnswer } from './probe.ts';
import type { TlsInspection } from './tls-inspection.ts';

/** What was seen on the direct way when the platform did not answer as itself. */
export interface Sighting {
  /** The platform's base URL. */
  readonly base: URL;
  /** Whether a platform key is pinned: before, nothing can tell a platform from a portal for sure. */
  readonly pinned: boolean;
  /** Issuer of the certificate with which the platform last answered as itself, on any route. */
  readonly knownIssuer?: string | undefined;
  readonly tls?: TlsInspection;
  readonly probe?: ProbeAnswer;
  /** This host's clock, ms since the epoch. */
  readonly now: number;
}

/** Whether a sign-in page stands before the network, and what tells it. */
export interface PortalFinding {
  readonly state: 'none' | 'suspected' | 'portal';
  /** One sentence without its full stop; empty with `none`. */
  readonly evidence: string;
}

const NONE: PortalFinding = { state: 'none', evidence: '' };

/**
 * Judges whether it was a captive portal: a certificate for another name or from another issuer than the platform was
 * last seen with, a redirect to another host, success or "sign in to the network" (511, RFC 6585) without the platform's
 * signature. A reply that somebody signed is none: that is a question of keys.
 */
export function recogniseCaptivePortal(seen: Sighting): PortalFinding {
  const evidence = evidenceOfReply(seen) ?? evidenceOfCertificate(seen);
  if (evidence === undefined) return NONE;
  const sure = seen.pinned && (seen.probe !== undefined || seen.knownIssuer !== undefined);
  return { state: sure ? 'portal' : 'suspected', evidence };
}

function evidenceOfReply({ base, probe }: Sighting): string | undefined {
  if (probe?.signature !== 'absent') return undefined;
  const { status, location } = probe;
  if (status >= 300 && status < 400 && location !== undefined) {
    const elsewhere = hostOf(location, base);
    if (elsewhere === base.host) return undefined;
    return `This network redirects ${base.host} to ${elsewhere}`;
  }
  if ((status >= 200 && status < 300) || status === 511) {
    return `This network answers in place of ${base.host} (HTTP ${status} without the platform's signature)`;
  }
  return undefined;
}

function evidenceOfCertificate({ base, tls, knownIssuer, now }: Sighting): string | undefined {
  const own = tls?.chain[0];
  if (tls === undefined || own === undefined || tls.authorized) return undefined;
  if (!tls.nameMatches) {
    return `In place of ${base.host} this network shows a certificate of ${own.subject}`;
  }
  // A clock outside its validity explains the failure by itself.
  if (now < Date.parse(own.validFrom) || now > Date.parse(own.validTo)) return undefined;
  if (knownIssuer === undefined || knownIssuer === own.issuer) return undefined;
  return `The certificate of ${base.host} is issued by ${own.issuer} on this network, otherwise by ${knownIssuer}`;
}

function hostOf(location: string, base: URL): string {
  return URL.canParse(location, base.href)
    ? cleaned(new URL(location, base).host)
    : 'an address that is none';
}
