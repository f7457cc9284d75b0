import type { Task } from '../../shared/manifest.ts';
import type { SensorProblem, SensorState } from '../../shared/sensor.ts';
import type { FimRule } from '../../shared/file-integrity.ts';
import type { UnsealedEdrEvent, UnsealedFimEvent } from '../../wire/event-chain.ts';
import type { Attribute, RawChange } from '../fim/change.ts';
import type { FromLedger, ToLedger } from '../fim/ledger/messages.ts';

/** The thread that looks at files and keeps the ledger, as the sensor sees it. */
export interface LedgerPort {
  readonly post: (message: ToLedger) => void;
  /** Resolves once it has closed its file and ended. */
  readonly stop: () => Promise<void>;
}

/** What the ledger's thread tells; `ended` at most once, last: it ended without being asked to. */
export interface LedgerEvents {
  readonly message: (message: FromLedger) => void;
  readonly ended: (reason: string) => void;
}

/** What a source of process events tells. */
export interface ProcessSourceEvents {
  /** Those of file integrity are of what is no file: values of the registry. */
  readonly events: (events: readonly (UnsealedEdrEvent | UnsealedFimEvent)[]) => void;
  /** Its state or its problems are others than before. */
  readonly changed: () => void;
  readonly log: (level: 'warn' | 'info' | 'debug', message: string) => void;
}

/** What is told of values of the Windows registry for rules of file integrity (R206). */
export interface RegistrySource {
  /** `rescanHours`: how often values are compared. */
  readonly setRules: (rules: readonly FimRule[], rescanHours: number) => void;
  /** Why values of a rule, by its id, are not heard of or can't be read; `undefined` where all is well. */
  readonly trouble: (id: string) => string | undefined;
}

/** The source of process events, and of who made a change (R199, R201, R208). */
export interface ProcessSource {
  readonly start: () => void | Promise<void>;
  /** The tasks of the EDR manifest, or `null`: then it only knows processes for file changes. Returns the reasons of tasks that can't be followed. */
  readonly setRules: (tasks: readonly Task[] | null) => readonly string[];
  /** The registry of Windows, where its values are heard of here. */
  readonly registry?: RegistrySource;
  readonly attribute: Attribute;
  /** Directories in which new executables are of interest to the rules in force. */
  readonly dropDirectories: () => readonly string[];
  /** A change below one of those directories. */
  readonly fileChange: (change: RawChange) => void;
  readonly state: () => Pick<NonNullable<SensorState['edr']>, 'method' | 'lost'>;
  readonly problems: () => readonly { readonly code: SensorProblem; readonly text: string }[];
  readonly stop: () => void | Promise<void>;
}
