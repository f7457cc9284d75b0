/** Why the disk or the file of the ledger does not do what it should. */
export type LedgerFault =
  /** No space, read-only, an I/O error: the same call works once that is over. */
  | 'STOPPED'
  /** The file is damaged: it is set aside. */
  | 'DAMAGED'
  /** The file is not ours to touch: a newer version wrote it, or something other than a plain file stands there. */
  | 'REFUSED';

/** What the database could not do. Misuse by a caller is a plain `Error`. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly fault: LedgerFault;

  constructor(fault: LedgerFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }
}

/** Primary result codes (sqlite.org/rescode.html) that are worth waiting for: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN. */
const PASSING = new Set([5, 6, 8, 10, 13, 14]);
/** CORRUPT and NOTADB. */
const DAMAGE = new Set([11, 26]);

/** An error of `node:sqlite` as a `LedgerError`; any other comes back as it is. */
export function faultOf(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const code = error.errcode & 0xff;
  if (PASSING.has(code))
    return new LedgerError('STOPPED', `the ledger can't be written: ${error.message}`, error);
  if (DAMAGE.has(code)) return new LedgerError('DAMAGED', `the ledger is damaged: ${error.message}`, error);
  return error;
}
