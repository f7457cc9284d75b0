import type { EventStream } from '../../shared/host-events.ts';
import type { Facts } from './facts.ts';

const MB = 1024 * 1024;

/** What the profile says of the payloads of a stream (R202–R205). */
export interface PayloadLimits {
  /** A payload leaves once so much is queued, bytes as they count on the disk; it holds no more than that. */
  readonly payloadBytes: number;
  /** It leaves once its oldest event waits so long, whatever is queued. */
  readonly thresholdMs: number;
  /** What the stream may take on the disk, bytes. */
  readonly diskBytes: number;
}

/** The limits of a stream under the profile in force; a developer may have shortened the threshold. */
export function payloadLimits(
  { profile, development }: Pick<Facts, 'profile' | 'development'>,
  stream: EventStream,
): PayloadLimits {
  const [kb, sec, mb] =
    stream === 'fim'
      ? [profile.fimPayloadKb, profile.fimPayloadThresholdSec, profile.fimMaxDiskMb]
      : [profile.edrPayloadKb, profile.edrPayloadThresholdSec, profile.edrMaxDiskMb];
  const thresholdSec = development.payloadThresholdSec ?? sec;
  return { payloadBytes: kb * 1024, thresholdMs: thresholdSec * 1000, diskBytes: mb * MB };
}
