import type { ManifestType } from '../../shared/modules.ts';
import type { CommitReply } from '../../shared/wire.ts';
import { EMPTY_ROOT } from '../../wire/item.ts';
import { assetChanges } from '../changes/describe.ts';
import type { Context } from '../context.ts';
import { ApiError, badRequest } from '../errors.ts';
import type { ChangeCounts, SnapshotHead } from '../store/snapshots.ts';
import type { Upload } from '../store/uploads.ts';

export interface Applied {
  readonly reply: CommitReply;
  readonly counts: ChangeCounts;
}

/** No row has this snapshot id: the base of a first snapshot. */
const NO_BASE = 0;

/**
 * Applies staged changes and proves the root. Runs inside the caller's transaction, which is the copy: whatever is
 * thrown leaves the stored snapshot as it was. Throws 409 `BASE_MISMATCH`, `INTEGRITY_MISMATCH`, 400.
 */
export function applyStaged(context: Context, upload: Upload, type: ManifestType): Applied {
  const { snapshots, staging } = context.store;
  const { agent, kind } = upload;
  const { newSeq: seq = 0, newRoot = EMPTY_ROOT } = upload.request;
  const base = snapshots.head(agent, type);
  if (kind === 'delta') requireBase(upload, base);
  if (kind === 'snapshot' && (base === undefined || seq <= base.seq)) staging.forgetChanges(agent, type);

  const ids = { upload: upload.id, base: base?.id ?? NO_BASE, agent, type, seq };
  if (staging.missing({ ...ids, snapshot: NO_BASE }) > 0) {
    throw new ApiError(409, 'INTEGRITY_MISMATCH', 'the delta deletes rows that are not held here');
  }
  logAssetChanges(context, upload, type, base);
  const counts = staging.logChanges({ ...ids, snapshot: NO_BASE }, kind === 'snapshot');
  if (kind === 'snapshot') snapshots.drop(agent, type);
  const id = kind === 'delta' && base !== undefined ? base.id : snapshots.add(agent, type);
  staging.apply({ ...ids, snapshot: id });
  const { root, rows } = snapshots.root(id);
  if (root !== newRoot) {
    throw new ApiError(409, 'INTEGRITY_MISMATCH', 'the root after applying differs from the one declared');
  }
  if (rows > context.limits.rowsPerSnapshot) {
    throw badRequest(`a snapshot has at most ${context.limits.rowsPerSnapshot} rows`);
  }
  snapshots.commit(id, seq, root, context.now());
  staging.addCommit({ ...recordOf(upload), type, seq, at: context.now(), ...counts });
  staging.trimChanges(agent);
  return { reply: { seq, root }, counts };
}

/** Puts on record what the changes mean for the asset (R316). Of a first snapshot all rows are new, and none is a change. */
function logAssetChanges(
  context: Context,
  { id, agent, kind, request }: Upload,
  type: ManifestType,
  base: SnapshotHead | undefined,
): void {
  if (base === undefined) return;
  const { assetChanges: store } = context.store;
  const rows = store.changedRows(id, base.id, type, kind === 'snapshot');
  const place = { at: context.now(), type, seq: request.newSeq ?? 0 };
  store.add(
    agent,
    assetChanges(rows).map((change) => ({ ...place, ...change })),
  );
}

function requireBase(upload: Upload, base: SnapshotHead | undefined): void {
  const { baseSeq, baseRoot, newSeq = 0 } = upload.request;
  if (base === undefined || base.seq !== baseSeq || base.root !== baseRoot) {
    throw new ApiError(
      409,
      'BASE_MISMATCH',
      `held here is seq ${base?.seq ?? 0}, the delta is against ${baseSeq ?? 0}`,
    );
  }
  if (newSeq <= base.seq) throw badRequest('newSeq must be greater than baseSeq');
}

function recordOf(upload: Upload) {
  const { rawBytes, encodedBytes } = upload.request;
  return { agent: upload.agent, kind: upload.kind, rawBytes, encodedBytes };
}
