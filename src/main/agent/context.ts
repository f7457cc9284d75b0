import type { AgentEvent } from '../../shared/control.ts';
import type { ManifestType } from '../../shared/modules.ts';
import type { Task } from '../../shared/manifest.ts';
import type { HostFacts } from '../../shared/wire.ts';
import type { KeyPair } from '../../wire/keys.ts';
import type { Clock, Random } from '../clock.ts';
import type { IdentityFiles, Registration } from '../host/identity.ts';
import type { LocalTime } from '../host/local-time.ts';
import type { AgentLog } from '../host/log.ts';
import type { Paths } from '../host/paths.ts';
import type { Settings } from '../host/settings.ts';
import type { Store } from '../queue/open.ts';
import type { PlatformApi } from '../uplink/api.ts';
import type { ConditionBook } from './condition-book.ts';
import type { Facts, TypeFacts } from './facts.ts';

/** A Host ID that the platform has not confirmed yet, and the one that it replaces. */
export interface Proposal {
  readonly hostId: string;
  readonly previous?: string | undefined;
}

/** The platform as the core sees it: the tool that removes the agent alone says goodbye. */
export type PlatformPort = Omit<Pick<PlatformApi, keyof PlatformApi>, 'goodbye'>;

/** Who this agent is right now. */
export interface Identity {
  keyPair: KeyPair;
  registration: Registration | undefined;
  /** The Host ID in its file; `undefined` before the first one was confirmed. */
  storedHostId: string | undefined;
  /** The id that the next provisioning proposes; `undefined` where a new one is to be made. */
  proposal: Proposal | undefined;
  /** Whether the last provisioning met another live host with the proposed id: one immediate retry, then back-off. */
  conflict: boolean;
}

/** An event without its time: the context stamps it. */
export type NewEvent = AgentEvent extends infer E ? (E extends AgentEvent ? Omit<E, 'at'> : never) : never;

/** What the steps of the core work with. Facts change only through `update`, and only inside an event. */
export interface Context {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: AgentLog;
  readonly paths: Paths;
  readonly settings: Settings;
  readonly store: Store;
  readonly identityFiles: IdentityFiles;
  readonly identity: Identity;
  readonly host: HostFacts;
  readonly localTime: LocalTime;
  readonly platform: PlatformPort;
  readonly conditions: ConditionBook;
  /** Tasks of the verified manifests in force. */
  readonly tasks: Map<ManifestType, readonly Task[]>;
  readonly facts: () => Facts;
  readonly update: (change: Partial<Facts>) => void;
  readonly updateType: (type: ManifestType, change: Partial<TypeFacts>) => void;
  readonly emit: (event: NewEvent) => void;
  /** Stops the collection of a type if it is the one that runs; its rows are dropped. */
  readonly cancelCollection: (type: ManifestType) => void;
  /** Drops a type altogether, as when its module is deactivated. */
  readonly forgetType: (type: ManifestType) => void;
  /** Counts bytes of chunks and finished uploads of this run, for status. */
  readonly countSent: (bytes: number) => void;
  readonly countUpload: (rawBytes: number, chunks: number) => void;
  /** Key id of the platform key in force, `undefined` before one is pinned. */
  readonly pinnedKeyId: () => string | undefined;
  /** The platform key in force: the administrator's, else the pinned one. */
  readonly platformKey: () => string | undefined;
  readonly modules: () => readonly string[];
  /** The phase as status shows it now. */
  readonly phase: () => string;
  /** How the platform was reached last: `direct`, `proxy#1`. */
  readonly route: () => string;
  /** Whether a proxy was among the ways that were tried last. */
  readonly proxiesTried: () => boolean;
  /** Seconds to add to this host's clock to get the platform's. */
  readonly clockOffsetSec: () => number;
}

/** What an exchange leads to: applied to the facts as one event, after the waiting is over. */
export type Apply = () => void;
