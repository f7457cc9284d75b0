import { UPLOAD_LIMITS, type OpenUploadRequest, type UploadState } from '../../shared/wire.ts';
import { wasEnded, type Failure } from '../uplink/failure.ts';
import { uplinkFailed } from './backoff.ts';
import type { Apply, Context } from './context.ts';
import { exchangeFailed } from './failures.ts';
import type { SideTerms, SideUpload } from './facts.ts';
import { statusIntervalSec } from './plan.ts';
import { deltaIntervalSec } from './upload-progress.ts';
import { nextUploadStep } from './upload-steps.ts';

/** An upload beside the one of a collection, and what its owner does about it within an event. */
export interface SideUploadOwner<T extends SideTerms> {
  /** What it is called in events. */
  readonly name: string;
  readonly body: Pick<OpenUploadRequest, 'kind' | 'encoding' | 'rawBytes'>;
  readonly chunk: (n: number) => Buffer;
  /** Takes how it stands now; its terms are to be durable. */
  readonly keep: (upload: SideUpload<T>) => void;
  /** The platform has it. */
  readonly done: (uploadId: string) => void;
  /** The platform does not take it, and would not take it another time. */
  readonly refused: (failure: Failure) => void;
  /** Makes another, smaller one after 413, if there is one; `false`: there is none. */
  readonly shrink?: () => boolean;
}

export const chunkCountOf = ({ encodedBytes, chunkBytes }: SideTerms): number =>
  Math.ceil(encodedBytes / chunkBytes);

/** Takes it one step further: open, ask, send the first missing chunk, or commit. */
export function sideUploadStep<T extends SideTerms>(
  context: Context,
  upload: SideUpload<T>,
  owner: SideUploadOwner<T>,
): Promise<Apply> {
  const { terms, held } = upload;
  const { encodedBytes, chunkBytes, digest, idempotencyKey, uploadId } = terms;
  const chunkCount = chunkCountOf(terms);
  return nextUploadStep(context, {
    name: owner.name,
    request: { ...owner.body, encodedBytes, digest, chunkBytes, chunkCount },
    idempotencyKey,
    uploadId,
    held: held === null ? undefined : new Set(held),
    chunk: owner.chunk,
    stands: (state) => {
      takeState(upload, owner, state);
    },
    sent: (n, nextStepAt) => {
      owner.keep({ terms, held: [...(held ?? []), n], nextStepAt, failures: 0 });
    },
    committed: () => {
      owner.done(uploadId ?? '');
    },
    failed: (failure) => {
      failed(context, upload, owner, failure);
    },
  });
}

function takeState<T extends SideTerms>(
  upload: SideUpload<T>,
  owner: SideUploadOwner<T>,
  { uploadId, state, held }: UploadState,
): void {
  if (state === 'committed') owner.done(uploadId);
  else owner.keep({ ...upload, terms: { ...upload.terms, uploadId }, held, failures: 0 });
}

/** What a refusal means for the upload (protocol, "Errors"). */
function failed<T extends SideTerms>(
  context: Context,
  upload: SideUpload<T>,
  owner: SideUploadOwner<T>,
  failure: Failure,
): void {
  if (failure.kind !== 'api') {
    later(context, upload, owner, failure);
    return;
  }
  const { status, code } = failure;
  const { terms } = upload;
  if (status === 404 && code === 'UPLOAD_UNKNOWN') reopen(context, upload, owner, terms.chunkBytes);
  else if (status === 409 && code === 'UPLOAD_INCOMPLETE') {
    owner.keep({ ...upload, held: null, nextStepAt: afterPause(context) });
  } else if (status === 413 && terms.chunkBytes > UPLOAD_LIMITS.chunkBytesMin) {
    reopen(context, upload, owner, halfOf(terms));
  } else if (status === 413 && owner.shrink?.() === true) {
    context.log.warn(`the ${owner.name} upload was too large: a smaller one follows`);
  } else if ([400, 403, 409, 413].includes(status)) owner.refused(failure);
  else later(context, upload, owner, failure);
}

/** Half of what a chunk really holds: a body that is one short chunk is cut all the same. */
function halfOf({ chunkBytes, encodedBytes }: SideTerms): number {
  return Math.max(UPLOAD_LIMITS.chunkBytesMin, Math.floor(Math.min(chunkBytes, encodedBytes) / 2));
}

const afterPause = (context: Context): number =>
  context.clock.now() + deltaIntervalSec(context.facts()) * 1000;

/** The same body as a new upload. */
function reopen<T extends SideTerms>(
  context: Context,
  upload: SideUpload<T>,
  owner: SideUploadOwner<T>,
  chunkBytes: number,
): void {
  const terms = { ...upload.terms, chunkBytes, idempotencyKey: context.random.uuid(), uploadId: undefined };
  owner.keep({ ...upload, terms, held: null, nextStepAt: afterPause(context) });
}

/**
 * Nothing is lost, and the same step is tried again, ever later while it fails; at once where the agent ended the exchange
 * itself for a better network. After silence the platform is asked.
 */
function later<T extends SideTerms>(
  context: Context,
  upload: SideUpload<T>,
  owner: SideUploadOwner<T>,
  failure: Failure,
): void {
  exchangeFailed(context, failure);
  if (wasEnded(failure)) {
    owner.keep({ ...upload, held: null, nextStepAt: context.clock.now(), failures: 0 });
    return;
  }
  const facts = context.facts();
  const capMs = statusIntervalSec(facts) * 1000;
  const before = { failures: upload.failures, nextAt: 0 };
  const again = uplinkFailed(before, context.clock.now(), context.random.next(), capMs);
  const nextStepAt = Math.max(again.nextAt, facts.uplink.nextAt);
  owner.keep({ ...upload, held: null, nextStepAt, failures: again.failures });
}
