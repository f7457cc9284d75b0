import { isIP } from 'node:net';
import { checkServerIdentity, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { eventOf, type Deadline } from './deadline.ts';
import { dialClear, type Dialling } from './dial.ts';
import { cleaned, failureOf } from './failure.ts';
import type { Candidate } from './proxy/candidate.ts';
import { authorityOf, type Target } from './tunnel.ts';

/** A certificate as people need it. Names are cleaned; times are RFC 3339. */
export interface ShownCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
  /** SHA-256, upper-case hexadecimal with colons. */
  readonly fingerprint256: string;
}

/** What a server shows in its TLS handshake. */
export interface TlsInspection {
  readonly protocol: string;
  readonly cipher: string;
  /** From the server's own certificate upwards, at most ten. */
  readonly chain: readonly ShownCertificate[];
  /** Whether chain and name verify, as every other connection requires. */
  readonly authorized: boolean;
  /** Whether the server's certificate is for this host, whoever issued it. */
  readonly nameMatches: boolean;
  /** OpenSSL's or Node's code when it is not authorized. */
  readonly error?: string;
}

const MAX_CHAIN = 10;

/**
 * Looks at the certificates on the way to the platform, to say why they don't verify or to show that they do. Rejects
 * with a `RouteError` where no handshake comes about.
 */
export async function inspectTls(
  candidate: Candidate,
  target: Target,
  dialling: Dialling,
  deadline: Deadline,
): Promise<TlsInspection> {
  const socket = await dialClear(candidate, target, dialling, deadline);
  // The only connection of the agent that goes on with a certificate that doesn't verify: it sends and reads nothing.
  const tls = connect({
    socket,
    host: target.host,
    servername: isIP(target.host) === 0 ? target.host : '',
    secureContext: dialling.trust.context(),
    rejectUnauthorized: false,
  });
  try {
    return await deadline.step(`TLS with ${authorityOf(target)}`, failureOf, async () =>
      shown(await eventOf(tls, 'secureConnect', deadline.signal), target.host),
    );
  } finally {
    tls.destroy();
    socket.destroy();
  }
}

function shown(tls: TLSSocket, host: string): TlsInspection {
  const own = tls.getPeerCertificate(true);
  // Node gives an Error in spite of its type, or its code alone.
  const problem = tls.authorizationError as Error | string | null | undefined;
  return {
    protocol: tls.getProtocol() ?? '',
    cipher: tls.getCipher().name,
    chain: chainOf(own).map(shownCertificate),
    authorized: tls.authorized,
    nameMatches: Object.keys(own).length > 0 && checkServerIdentity(host, own) === undefined,
    ...(problem !== null && problem !== undefined && { error: codeOf(problem) }),
  };
}

const codeOf = (problem: Error | string): string =>
  typeof problem === 'string' ? problem : ((problem as NodeJS.ErrnoException).code ?? problem.message);

function chainOf(own: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  let next: DetailedPeerCertificate | undefined = own;
  while (next?.fingerprint256 !== undefined && chain.length < MAX_CHAIN) {
    chain.push(next);
    // A root is its own issuer.
    const above: DetailedPeerCertificate | undefined = next.issuerCertificate;
    next = above === next ? undefined : above;
  }
  return chain;
}

function shownCertificate(certificate: DetailedPeerCertificate): ShownCertificate {
  return {
    subject: distinguishedName(certificate.subject),
    issuer: distinguishedName(certificate.issuer),
    validFrom: instantOf(certificate.valid_from),
    validTo: instantOf(certificate.valid_to),
    fingerprint256: certificate.fingerprint256,
  };
}

/** `CN=…, O=…` of a name; its other parts help nobody. */
export function distinguishedName(name: object): string {
  const parts = ['CN', 'O'].flatMap((key) => {
    const value: unknown = (name as Record<string, unknown>)[key];
    const text = Array.isArray(value) ? value.join('+') : value;
    return typeof text === 'string' && text !== '' ? [`${key}=${cleaned(text)}`] : [];
  });
  return parts.join(', ') || 'a certificate without a name';
}

/** OpenSSL's `Nov 21 05:00:00 2026 GMT` as RFC 3339; what is no time stays out. */
function instantOf(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? '' : new Date(at).toISOString();
}

/**
 * Why the certificate does not verify, with the next step where the standard one (another CA) is not it. `now` is this
 * host's clock, ms since the epoch.
 */
export function explainTls(inspection: TlsInspection, host: string, now: number): string {
  const [own] = inspection.chain;
  if (own === undefined) return 'the server shows no certificate';
  const outside = inspection.chain.find(
    ({ validFrom, validTo }) => now < Date.parse(validFrom) || now > Date.parse(validTo),
  );
  if (outside !== undefined && inspection.nameMatches) {
    const { subject, validFrom, validTo } = outside;
    const clock = new Date(now).toISOString();
    return `the clock of this host says ${clock}, the certificate of ${subject} is valid from ${validFrom} until ${validTo}: set the clock, or have the certificate renewed`;
  }
  if (!inspection.nameMatches) return `it is for ${own.subject}, not for ${host}`;
  return `issued by ${own.issuer}, which neither the system nor CaFile trusts: a TLS-inspecting proxy?`;
}
