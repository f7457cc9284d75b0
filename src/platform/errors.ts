import type { ErrorCode } from '../shared/wire.ts';

/** An answer with a status ≥ 400 that the protocol foresees ("Errors"). Thrown by handlers, sent signed by the server. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: ErrorCode;
  /** Seconds for `Retry-After`, with 429 and 503 only. */
  readonly retryAfterSec: number | undefined;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    options: { readonly retryAfterSec?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.status = status;
    this.code = code;
    this.retryAfterSec = options.retryAfterSec;
  }
}

/** 400: the request is wrong and will be wrong again. */
export function badRequest(message: string, cause?: unknown): ApiError {
  return new ApiError(400, 'BAD_REQUEST', message, { cause });
}

/** An administrator's wish that the platform does not grant; the message says why and what would be accepted. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** Something an administrator named that does not exist. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}

/** Text of whatever was thrown, for a log line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
