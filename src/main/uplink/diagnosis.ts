import { recogniseCaptivePortal } from './captive-portal.ts';
import { Deadline } from './deadline.ts';
import type { Dialling } from './dial.ts';
import { RouteError, type Failure } from './failure.ts';
import { probe } from './probe.ts';
import type { TriedRoute } from './route.ts';
import { explainTls, inspectTls } from './tls-inspection.ts';
import { targetOf } from './tunnel.ts';

/** What a closer look at a failed exchange needs. */
export interface DiagnosisOptions {
  readonly base: URL;
  readonly dialling: Dialling;
  readonly platformKey: string | undefined;
  readonly knownIssuer: string | undefined;
  /** Bounds each connection of the look, ms. */
  readonly timeoutMs: number;
  readonly ending: AbortSignal;
  /** This host's clock, ms since the epoch. */
  readonly now: number;
}

/**
 * A second look at an exchange that every route failed at, on a connection that carries nothing of the agent: names the
 * issuer of a certificate that isn't trusted or a wrong clock, and recognises a captive portal. Only the direct way can
 * lead to a portal; behind a proxy it is the proxy's doing. Gives the failure back where there is no more to say.
 */
export async function diagnose(
  failure: Failure,
  tried: readonly TriedRoute[],
  options: DiagnosisOptions,
): Promise<Failure> {
  const route = tried.findLast((other) => other.failure?.kind === failure.kind);
  if (route === undefined) return failure;
  const deadline = new Deadline(options.timeoutMs, options.ending);
  try {
    if (failure.kind === 'tls') return await aboutCertificate(failure, route, options, deadline);
    if (route.candidate === 'direct' && mayBePortal(failure)) {
      return await aboutReply(failure, options, deadline);
    }
    return failure;
  } catch (error) {
    if (error instanceof RouteError) return failure;
    throw error;
  } finally {
    deadline.end();
  }
}

const mayBePortal = (failure: Failure): boolean =>
  failure.kind === 'unverified'
    ? failure.givenKeyId === undefined && failure.signed !== true
    : failure.kind === 'api' && !failure.verified;

async function aboutCertificate(
  failure: Extract<Failure, { kind: 'tls' }>,
  route: TriedRoute,
  options: DiagnosisOptions,
  deadline: Deadline,
): Promise<Failure> {
  const { base, dialling, knownIssuer, now, platformKey } = options;
  const target = targetOf(base);
  const tls = await inspectTls(route.candidate, target, dialling, deadline);
  if (tls.authorized) return failure;
  if (route.candidate === 'direct') {
    const found = recogniseCaptivePortal({ base, tls, knownIssuer, now, pinned: platformKey !== undefined });
    if (found.state !== 'none') {
      return { kind: 'portal', suspected: found.state === 'suspected', evidence: found.evidence };
    }
  }
  const problem = dialling.trust.problem();
  const more = problem === undefined ? '' : ` (CaFile is of no use: ${problem})`;
  return { ...failure, reason: explainTls(tls, target.host, now) + more };
}

async function aboutReply(failure: Failure, options: DiagnosisOptions, deadline: Deadline): Promise<Failure> {
  const { base, dialling, platformKey, now, timeoutMs } = options;
  const answer = await probe('direct', base, platformKey, dialling, deadline, timeoutMs);
  const found = recogniseCaptivePortal({ base, probe: answer, now, pinned: platformKey !== undefined });
  if (found.state === 'none') return failure;
  return { kind: 'portal', suspected: found.state === 'suspected', evidence: found.evidence };
}
