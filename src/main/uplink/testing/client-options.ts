import type { ClientOptions } from '../client.ts';
import type { Candidate } from '../proxy/candidate.ts';
import { Trust } from '../trust.ts';
import { recordingLog } from './recording-log.ts';

/** Options of a client with one route, the direct one, and nothing remembered; a test overrides what it is about. */
export function clientOptions(
  base: string,
  caFile: string | undefined,
  overrides: Partial<ClientOptions> & { readonly candidates?: readonly Candidate[] } = {},
): ClientOptions {
  const { candidates = ['direct'], ...rest } = overrides;
  let issuer: string | undefined;
  return {
    base,
    resolver: { resolve: () => Promise.resolve({ candidates, problems: [] }) },
    access: { credentials: () => Promise.resolve(undefined) },
    trust: new Trust(caFile),
    timeoutSec: () => 2,
    now: Date.now,
    log: recordingLog().log,
    knownIssuer: { get: () => issuer, set: (next) => (issuer = next) },
    ...rest,
  };
}
