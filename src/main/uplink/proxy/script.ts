import type { ProxyCandidate } from './candidate.ts';

/** One entry of a script's answer, in its order; `direct` is what the script's `DIRECT` means. */
export type ScriptCandidate = Omit<ProxyCandidate, 'source'> | 'direct';

/** What a proxy script answered for one URL. */
export interface ScriptAnswer {
  /** Empty when the script could not be had or run; then `problem` says why. */
  readonly candidates: readonly ScriptCandidate[];
  /** The cause in one line, without credentials; may stand beside candidates (a last good copy was used). */
  readonly problem?: string;
}

/** A proxy script: the configured PAC file, or the one that WPAD finds. */
export interface ProxyScript {
  /**
   * Asks the script for one URL. The caller has stripped an https URL to its origin. Never rejects; bounded in time
   * by the implementation.
   */
  readonly evaluate: (url: URL) => Promise<ScriptAnswer>;
}

/**
 * Gives the script at a place: a URL (`http:`, `https:`, `file:`) or an absolute path. The same location may be asked
 * for on each resolution; the implementation keeps what it fetched.
 */
export type OpenPacScript = (location: string) => ProxyScript;
