import { type ManifestType } from '../../shared/modules.ts';
import { type Item } from '../../shared/rows.ts';
import { PendingUpload, type Pending } from './pending-upload.ts';
import { seal, type SealTerms } from './seal.ts';
import { SnapshotItems } from './snapshot-items.ts';
import { releaseSpace } from './space.ts';
import { type Sql } from './sql.ts';
import { StagingTables, type Interrupted } from './staging.ts';
import { StoreError } from './store-error.ts';
import { SyncStates, type SyncState } from './sync-states.ts';

/*
 * The agent's copy of what the platform holds, per manifest type, and the one change that is under way to it:
 *
 *     collector ─ add ─► staged ── seal ─► pending (terms, changes, body) ── commit ─► snapshot_items, sync_state
 *                        lasting            durable before the first chunk              both sides equal again
 *
 * Only `commit` touches the copy, in one transaction, and only when the platform arrived at the same root. So at any
 * moment, a crash included, the copy is either the old state with or without a pending upload, or the new state.
 */

/** A collection that runs. It ends by `seal` or `abandon`; afterwards its methods throw an `Error`. */
export interface Staging {
  readonly type: ManifestType;
  /** Adds items in any order. Of two with the same key the first stands. Throws `RangeError` for one too long to send. */
  readonly add: (items: readonly Item[]) => void;
  /**
   * What was added so far stays, whatever becomes of what is added after it. With `noted`, which is JSON, also when the
   * agent ends: see `SnapshotStore.interrupted`.
   */
  readonly keepPart: (noted?: unknown) => void;
  /** Drops what was added since the last `keepPart`. */
  readonly dropPart: () => void;
  /** The keys of what was added, in their order. Nothing may be added while they are taken. */
  readonly keys: () => Generator<string, void, undefined>;
  /** Rows per table so far. */
  readonly counts: () => Record<string, number>;
  readonly abandon: () => void;
  /**
   * Compares what was collected with the copy and stores the difference, encoded, as the pending upload: a snapshot
   * where no copy is held, else a delta, which may be empty. Durable when it resolves. Rejects with `SealConflict` when
   * something is pending already or the copy changed meanwhile, `BodyTooLarge`, or `StoreError`; the collection has
   * ended then too, and nothing was stored.
   */
  readonly seal: (terms: SealTerms) => Promise<Pending>;
}

/** What the platform arrived at is not what was sealed: the copies differ. */
export class CommitMismatch extends Error {
  override readonly name = 'CommitMismatch';
}

export class SnapshotStore {
  readonly #sql: Sql;
  readonly #states: SyncStates;
  readonly #items: SnapshotItems;
  readonly #pending: PendingUpload;
  readonly #staging: StagingTables;
  #running: Staging | undefined;

  /** `newId` gives a new UUID, for idempotency keys. */
  constructor(sql: Sql, newId: () => string) {
    this.#sql = sql;
    this.#states = new SyncStates(sql);
    this.#items = new SnapshotItems(sql);
    this.#pending = new PendingUpload(sql, newId);
    this.#staging = new StagingTables(sql);
  }

  /** The collection that the last run of the agent began and did not end, up to the part that was noted last. */
  interrupted(): Pick<Interrupted, 'type' | 'noted'> | undefined {
    return this.#running === undefined ? this.#staging.interrupted() : undefined;
  }

  /** Goes on with the collection that `interrupted` names. Throws an `Error` where there is none, or as `begin` does. */
  resume(type: ManifestType): Staging {
    this.#requireNone();
    const found = this.#staging.interrupted();
    if (found?.type !== type) throw new Error(`no collection of ${type} was interrupted`);
    this.#staging.dropFrom(found.part);
    return this.#run(type, found.part);
  }

  /**
   * Begins a collection, and forgets one that was interrupted. One runs at a time: another that runs still throws an
   * `Error`.
   */
  begin(type: ManifestType): Staging {
    this.#requireNone();
    if (this.#staging.interrupted() !== undefined || !this.#staging.isEmpty()) this.#staging.clear();
    return this.#run(type, 0);
  }

  #requireNone(): void {
    if (this.#running !== undefined) throw new Error(`a collection of ${this.#running.type} is running`);
  }

  #run(type: ManifestType, firstPart: number): Staging {
    let open = true;
    let part = firstPart;
    const requireOpen = (): void => {
      if (!open) throw new Error(`this collection of ${type} has ended`);
    };
    const end = (): void => {
      this.#running = undefined;
      try {
        this.#staging.clear();
      } catch (error) {
        // A disk that takes no deletion either: what is left goes when the next one begins.
        if (!(error instanceof StoreError)) throw error;
      }
    };
    const staging: Staging = {
      type,
      add: (items) => {
        requireOpen();
        this.#staging.addItems(items, part);
      },
      keepPart: (noted) => {
        requireOpen();
        part += 1;
        if (noted !== undefined) this.#staging.note(type, part, noted);
      },
      dropPart: () => {
        requireOpen();
        this.#staging.dropPart(part);
      },
      keys: () => {
        requireOpen();
        return this.#staging.keys();
      },
      counts: () => {
        requireOpen();
        return this.#staging.counts();
      },
      abandon: () => {
        requireOpen();
        open = false;
        end();
      },
      seal: async (terms) => {
        requireOpen();
        open = false;
        try {
          return await seal(type, terms, {
            sql: this.#sql,
            states: this.#states,
            items: this.#items,
            pending: this.#pending,
            staging: this.#staging,
          });
        } finally {
          end();
        }
      },
    };
    this.#running = staging;
    return staging;
  }

  state(type: ManifestType): SyncState | undefined {
    return this.#states.get(type);
  }

  /** The states of all types that are held, in the order of their names. */
  states(): SyncState[] {
    return this.#states.all();
  }

  pending(): Pending | undefined {
    return this.#pending.get();
  }

  /** See `PendingUpload.setUpload`. */
  setUpload(uploadId: string): void {
    this.#pending.setUpload(uploadId);
  }

  /** See `PendingUpload.rechunk`. */
  rechunk(chunkBytes: number): void {
    this.#pending.rechunk(chunkBytes);
  }

  /** See `PendingUpload.chunk`. */
  chunk(n: number): Buffer {
    return this.#pending.chunk(n);
  }

  /**
   * Takes the pending changes into the copy after the platform committed them; `seq` and `root` are what it answered,
   * `at` is ms since the epoch. Throws `CommitMismatch` when they are not what was sealed (nothing changes; see
   * `scorch`), an `Error` when nothing is pending.
   */
  commit(answer: { readonly seq: number; readonly root: string; readonly at: number }): SyncState {
    const { type, newSeq, newRoot, rows, tables, collectedAt } = this.#pending.require();
    if (answer.seq !== newSeq || answer.root !== newRoot) {
      throw new CommitMismatch(
        `${type}: the platform holds ${answer.seq} ${answer.root.slice(0, 8)}, ` +
          `this host ${newSeq} ${newRoot.slice(0, 8)}`,
      );
    }
    const state = { type, seq: newSeq, root: newRoot, rows, tables, collectedAt, uploadedAt: answer.at };
    this.#sql.transaction(() => {
      this.#items.applyPending(type);
      this.#states.put(state);
      this.#pending.clear();
    });
    releaseSpace(this.#sql);
    return this.#states.get(type) ?? state;
  }

  /** Forgets the pending upload; the copy stays as it is. */
  dropPending(): void {
    this.#sql.transaction(() => {
      this.#pending.clear();
    });
    releaseSpace(this.#sql);
  }

  /**
   * Forgets all of a type: copy, state, and a pending upload of it. The next collection is sent in full, from sequence
   * 1 (R221); also what a deactivated module leaves behind (R314).
   */
  scorch(type: ManifestType): void {
    this.#sql.transaction(() => {
      this.#items.delete(type);
      this.#states.delete(type);
      if (this.#pending.get()?.type === type) this.#pending.clear();
    });
    if (this.interrupted()?.type === type) this.#staging.clear();
    releaseSpace(this.#sql);
  }

  /** See `SyncStates.setProcessed`. */
  setProcessed(type: ManifestType, seq: number, at: number): boolean {
    return this.#states.setProcessed(type, seq, at);
  }

  /** See `SnapshotItems.recomputeRoot`. */
  recomputeRoot(type: ManifestType): string {
    return this.#items.recomputeRoot(type);
  }
}
