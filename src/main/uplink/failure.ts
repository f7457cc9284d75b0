/** Why an exchange with the platform did not succeed. An expected outcome: returned, never thrown. */
export type Failure =
  /** No answer came: network, name, timeout. Everything is kept; another route or another time. */
  | { readonly kind: 'transport'; readonly code: string; readonly reason: string }
  /** The platform's certificate is not trusted. */
  | { readonly kind: 'tls'; readonly code: string; readonly reason: string }
  /** An answer came that isn't the pinned platform's, or isn't what the protocol says: nothing in it is obeyed. */
  | { readonly kind: 'unverified'; readonly reason: string; readonly givenKeyId?: string }
  /** The platform answered with an error. `verified` is false only before a key is pinned. */
  | {
      readonly kind: 'api';
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly retryAfterSec?: number;
      /** The platform's clock, ms since the epoch. */
      readonly serverTime?: number;
      readonly verified: boolean;
    };

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

/** A failure in one line for log and status. */
export function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'transport':
    case 'tls':
      return failure.code === '' ? failure.reason : `${failure.code} ${failure.reason}`;
    case 'unverified':
      return failure.reason;
    case 'api':
      return `${String(failure.status)} ${failure.code}: ${failure.message}`;
  }
}

const TLS_CODE = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|HOSTNAME_MISMATCH|ALTNAME/;

/** A thrown network error as a failure. TLS ones are told apart: the next step is another one. */
export function failureOf(error: unknown): Failure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error ? String((cause as NodeJS.ErrnoException).code ?? '') : '';
  const reason = cause instanceof Error ? cause.message : String(cause);
  return { kind: TLS_CODE.test(code) ? 'tls' : 'transport', code, reason };
}
