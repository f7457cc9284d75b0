import type { FimRule } from '../../../shared/file-integrity.ts';
import type { EventStream } from '../../../shared/host-events.ts';
import type { SpooledEvent } from '../../../shared/sensor.ts';
import type { UnsealedEdrEvent, UnsealedFimEvent } from '../../../wire/event-chain.ts';
import type { Attribution, LostChanges } from '../change.ts';

/*
 * Between the thread of the sensor that hears of changes and the one that looks at files. The second owns the ledger: the
 * baseline (what every watched file was when it was last looked at), the spool (sealed events on their way to the queue) and
 * the heads of the chains, in one SQLite file. A change of the baseline and its event are one transaction, so that a kill
 * neither loses a change nor reports it twice.
 */

/** A path to look at, and what was heard of it since it was last looked at. */
export interface Examination {
  readonly path: string;
  /** Bits of `CHANGE`, of everything that was heard. */
  readonly what: number;
  readonly directory: boolean;
  /** Where it was moved from, if a source said so. */
  readonly from?: string;
  readonly at: number;
  /** Who touched which facet last; absent where nothing of that kind was heard. */
  readonly by: {
    /** Created, deleted, moved. */
    readonly presence?: Attribution;
    readonly content?: Attribution;
    readonly attributes?: Attribution;
  };
  /** Further ones that touched the same facets. */
  readonly others: readonly Attribution[];
  /** Name of the source, for `event.provider`. */
  readonly provider: string;
  /** All of it happened while the source did not run. */
  readonly late?: boolean;
}

export type ToLedger =
  /** The rules in force from now on. A walk follows: what is new is taken into the baseline, what is out of the rules leaves it. */
  | {
      readonly kind: 'rules';
      readonly rules: readonly FimRule[];
      readonly own: readonly string[];
      readonly rescanHours: number;
      readonly sharePct: number;
    }
  /** No rules for now: nothing is looked at. The baseline stays, so that what happens meanwhile is found once there are rules again. */
  | { readonly kind: 'rest' }
  | { readonly kind: 'examine'; readonly batch: number; readonly items: readonly Examination[] }
  | { readonly kind: 'lost'; readonly lost: LostChanges }
  /** Events that no look at a file makes: of processes, and of values of the registry. */
  | { readonly kind: 'append'; readonly events: readonly (UnsealedEdrEvent | UnsealedFimEvent)[] }
  | { readonly kind: 'taken'; readonly stream: EventStream; readonly chain: string; readonly upTo: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Answered by `pong` between two turns: while a call on a filesystem hangs, it is not. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'stop' };

export type FromLedger =
  | {
      readonly kind: 'events';
      readonly stream: EventStream;
      readonly chain: string;
      readonly events: readonly SpooledEvent[];
    }
  /** The batch was looked at and what came of it is durable. */
  | { readonly kind: 'examined'; readonly batch: number }
  | {
      readonly kind: 'baseline';
      readonly state: 'none' | 'building' | 'complete';
      readonly entries: number;
      /** Ms since the epoch. */
      readonly completedAt: number | null;
      readonly nextRescanAt: number | null;
      readonly spooled: number;
      readonly eventsLastHour: Readonly<Record<EventStream, number>>;
      /** How many paths walks could not read, up to 1,000, one of them (encoded) and why. */
      readonly unreadable: { readonly count: number; readonly path: string; readonly reason: string } | null;
    }
  /** Paths of rules that are absent or can't be read, by rule id; empty when all are well. */
  | {
      readonly kind: 'rules';
      readonly troubles: readonly {
        readonly id: string;
        readonly state: 'absent' | 'unreadable';
        readonly reason: string;
      }[];
    }
  | { readonly kind: 'pong' }
  /** The disk takes nothing; `text` empty once it does again. */
  | { readonly kind: 'stopped'; readonly text: string }
  | { readonly kind: 'log'; readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly message: string };
