/** Why an exchange with the platform did not succeed. An expected outcome: returned, never thrown. */
export type Failure =
  /** No answer came: network, name, timeout. Everything is kept; another route or another time. */
  | { readonly kind: 'transport'; readonly code: string; readonly reason: string }
  /** The platform's certificate is not trusted. */
  | { readonly kind: 'tls'; readonly code: string; readonly reason: string }
  /** A proxy was there and gave no way through: it refused, its certificate is not trusted, it does not speak as it should. */
  | {
      readonly kind: 'proxy';
      /** `PROXY_407`, `PROXY_503`, `PROXY_TLS`, `PROXY_PROTOCOL`, `SOCKS_5`, … */
      readonly code: string;
      readonly reason: string;
      /** With 407 alone: the schemes that it offers, as it writes them. */
      readonly schemes?: readonly string[];
    }
  /** A sign-in page answers in the platform's place, or perhaps does. */
  | { readonly kind: 'portal'; readonly suspected: boolean; readonly evidence: string }
  /** An answer came that isn't the pinned platform's, or isn't what the protocol says: nothing in it is obeyed. */
  | {
      readonly kind: 'unverified';
      readonly reason: string;
      readonly givenKeyId?: string;
      /** The signature was the platform's, only the content is not what this version knows. */
      readonly signed?: true;
    }
  /** The platform answered with an error. `verified` is false only before a key is pinned. */
  | {
      readonly kind: 'api';
      readonly status: number;
      readonly code: string;
      readonly message: string;
      /** What the platform asked to wait, seconds, 0 to 86400; only with `verified`. */
      readonly retryAfterSec?: number;
      /** The platform's clock, ms since the epoch. */
      readonly serverTime?: number;
      readonly verified: boolean;
    };

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

/** The code of an exchange that the agent ended itself. */
export const ENDED = 'ECANCELED';

/**
 * Whether the agent ended the exchange itself, because another network or other settings may lead there better: it is
 * made again at once, and says nothing about the platform.
 */
export function wasEnded(failure: Failure): boolean {
  return failure.kind === 'transport' && failure.code === ENDED;
}

/** A failure on its way up as an error, told apart where it arose. */
export class RouteError extends Error {
  override readonly name = 'RouteError';
  readonly failure: Failure;

  constructor(failure: Failure, cause?: unknown) {
    super(describeFailure(failure), { cause });
    this.failure = failure;
  }
}

/** A failure in one line for log and status. */
export function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'transport':
    case 'tls':
    case 'proxy':
      return codeFirst(failure.code, failure.reason);
    case 'portal':
      return failure.evidence;
    case 'unverified':
      return failure.reason;
    case 'api':
      return `${codeFirst(`${failure.status}`, failure.code)}: ${failure.message}`;
  }
}

/**
 * Whether another route may do better (protocol, scheduler rule 10). A reply that the platform signed never moves on,
 * whatever it says; before a key is pinned an error in the platform's words counts as one.
 */
export function anotherRouteMayHelp(failure: Failure): boolean {
  if (failure.kind === 'api') return !failure.verified && failure.code === '';
  return failure.kind !== 'unverified' || failure.signed !== true;
}

/** The code, then the reason without it: Node repeats it inside, people search for it in front. */
function codeFirst(code: string, reason: string): string {
  const rest = code === '' ? reason : reason.replace(code, '').replace(/\s+/g, ' ').trim();
  return code === '' || rest === '' ? `${code}${rest}` : `${code} ${rest}`;
}

/** OpenSSL's verification results and Node's host name check, by the codes that Node gives them (node:tls). */
const CERTIFICATE_CODE =
  /CERT|CRL|SELF_SIGNED|UNABLE_TO_(VERIFY|GET|DECRYPT|DECODE)|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)/;

/**
 * A thrown network error as a failure. Certificates that don't verify are told apart: the next step is another one. A
 * handshake that fails for another reason (an old TLS version, no TLS at all) is a platform that can't be reached.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof RouteError) return error.failure;
  const { code, reason } = causeOf(error);
  return { kind: CERTIFICATE_CODE.test(code) ? 'tls' : 'transport', code, reason };
}

/** The code and the words of what stands behind an error. */
export function causeOf(error: unknown): { readonly code: string; readonly reason: string } {
  const cause = innermost(error);
  return { code: codeOf(cause), reason: cause instanceof Error ? cause.message : String(cause) };
}

/** Text of a stranger in a line of ours: printable ASCII, at most 100 characters. */
export function cleaned(text: string): string {
  return text
    .slice(0, 100)
    .replace(/[^\x20-\x7e]/g, '?')
    .trim();
}

/** The system's or library's code; a DOM exception has a mere number there and says what it is in its name. */
function codeOf(error: unknown): string {
  if (error instanceof DOMException) return error.name;
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';
}

/** What stands behind an error: its cause, and of several addresses that were tried, the last one's error. */
function innermost(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors.at(-1));
  return error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : error;
}
