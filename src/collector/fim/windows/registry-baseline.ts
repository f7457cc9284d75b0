import type { UnsealedFimEvent } from '../../../wire/event-chain.ts';
import type { StartTimer } from '../../debounce.ts';
import { reasonOf } from '../../reasons.ts';
import { encodeHostText } from '../../text.ts';
import { diffRule } from '../ledger/diff.ts';
import type { RegistryChange } from './audit-events.ts';
import { differenceEvent } from './registry-differences.ts';
import type { RegistryRules } from './registry-events.ts';
import type { OpenRegistryKey } from './registry-keys.ts';
import { lookAtRegistry, valueId, type Looked } from './registry-look.ts';
import { isKeyWithin, isNotThere } from './registry-names.ts';
import { loadRegistryState, type RegistryState } from './registry-state.ts';
import { isSameState, textsOfData, valueNow } from './registry-value.ts';
import type { SecurityLog } from './security-log.ts';

const HOUR_MS = 3_600_000;

/** How often values are compared that nothing tells of, ms. */
export const UNHEARD_MS = 600_000;

/** How long what a look found waits for the log to be written, ms: what that tells has an actor, and is not told twice. */
const SETTLE_MS = 2_000;

/** How long after the last change the baseline is written, ms: what was told is durable by then. A kill before tells it again. */
const SAVE_MS = 30_000;

/** Events that are told at a time. */
const BATCH = 200;

/** Characters of a name in a text that may have 300. */
const MOST_NAME = 120;

export interface RegistryBaselineOptions {
  /** Gives access to the registry. Throws off Windows. */
  readonly registry: () => OpenRegistryKey;
  /** Where the baseline is kept from one run to the next. */
  readonly stateFile: string;
  readonly log: Pick<SecurityLog, 'policy' | 'trouble' | 'read'>;
  readonly breathe: () => Promise<void>;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** Ids of events, UUIDs. */
  readonly newId: () => string;
  readonly events: (events: readonly UnsealedFimEvent[]) => void;
  /** What can't be read is other than before. */
  readonly changed: () => void;
  readonly warn: (message: string) => void;
}

/**
 * What the values of the rules' keys were when they were last looked at (R206, R207). Looks at the start, when rules change and
 * from time to time find what nobody told of; what the Security log tells goes into the baseline as it comes.
 */
export class RegistryBaseline {
  readonly #options: RegistryBaselineOptions;
  #open: OpenRegistryKey | undefined;
  #unavailable: string | undefined;
  #state: RegistryState | undefined;
  #rules: RegistryRules | undefined;
  #rescanMs = 0;
  #looked: Looked | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Values of which the log told since the look began that is under way. */
  #heardMeanwhile: Set<string> | undefined;
  #looking: Promise<void> = Promise.resolve();
  #cancelTick: (() => void) | undefined;
  #cancelSave: (() => void) | undefined;
  /** Ends the wait for the log. */
  #endSettling: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RegistryBaselineOptions) {
    this.#options = options;
  }

  /** Why values can't be compared at all; `undefined` where they can. */
  get unavailable(): string | undefined {
    return this.#unavailable;
  }

  /** The rules in force from now on; `undefined` for none. A look follows. `rescanHours`: from one look to the next. */
  setRules(rules: RegistryRules | undefined, rescanHours: number): void {
    this.#rules = rules;
    this.#rescanMs = rescanHours * HOUR_MS;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    if (rules === undefined || !this.#load()) return;
    this.#begin();
    this.#armTick();
  }

  /** The Security log told of a value: what it is now is known, and no difference to be told. */
  heard({ key, value }: Pick<RegistryChange, 'key' | 'value'>): void {
    const [open, state, rules] = [this.#open, this.#state, this.#rules];
    if (open === undefined || state === undefined || rules === undefined) return;
    if (rules.covering(key, value).length === 0) return;
    this.#heardMeanwhile?.add(valueId(key, value));
    const row = state.get(key, value);
    const found = readNow(open, key, value);
    if (found === undefined) state.remove(key, value);
    else if ('error' in found) return;
    else state.put({ key: row?.key ?? key, value: row?.value ?? value, state: found.state });
    if (!isSameState(row?.state, state.get(key, value)?.state)) this.#saveSoon();
  }

  /** What of a rule's keys the last look could not read; `undefined` where all was read. */
  trouble(id: string): string | undefined {
    if (this.#looked === undefined) return undefined;
    const { roots, unread, partly } = this.#looked;
    const own = roots.get(id) ?? [];
    const keys = [...unread].filter(([key]) =>
      own.some((root) => isKeyWithin(root, key) || isKeyWithin(key, root)),
    );
    const parts = [
      ...(partly.has(id) ? ['it covers more keys and values than are compared: name less'] : []),
      ...unreadTexts(keys),
    ];
    return parts.length === 0 ? undefined : parts.join('; ');
  }

  /** Ends a look that is under way, and keeps the baseline. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTick?.();
    this.#endSettling?.();
    await this.#looking;
    if (this.#cancelSave !== undefined) this.#save();
  }

  #load(): boolean {
    try {
      this.#open ??= this.#options.registry();
      this.#unavailable = undefined;
    } catch (error) {
      this.#unavailable = error instanceof Error ? error.message : 'the registry can not be read';
      return false;
    }
    this.#state ??= loadRegistryState(this.#options.stateFile);
    return true;
  }

  /** Whether the log tells what happens. */
  #isHeard(): boolean {
    const { policy, trouble } = this.#options.log;
    return policy?.registry === true && trouble === undefined;
  }

  #armTick(): void {
    this.#cancelTick = this.#options.startTimer(UNHEARD_MS, () => {
      this.#armTick();
      if (!this.#isHeard() || this.#options.now() - this.#lookedAt >= this.#rescanMs) this.#begin();
    });
  }

  #begin(): void {
    this.#looking = this.#looking
      .then(() => this.#look())
      .catch((error: unknown) => {
        if (!(error instanceof Outdated) && !this.#isClosed)
          this.#options.warn(`registry values: ${reasonOf(error)}`);
      })
      .finally(() => {
        this.#heardMeanwhile = undefined;
      });
  }

  async #look(): Promise<void> {
    const [open, state, rules] = [this.#open, this.#state, this.#rules];
    if (open === undefined || state === undefined || rules === undefined) return;
    const detected = this.#looked === undefined ? 'baseline' : 'rescan';
    const meanwhile = new Set<string>();
    this.#heardMeanwhile = meanwhile;
    const looked = await lookAtRegistry({ open, state, rules, breathe: () => this.#breathe(rules) });
    if (looked.differences.length > 0) await this.#settle();
    this.#goOn(rules);
    const untold = looked.differences.filter(({ key, value }) => !meanwhile.has(valueId(key, value)));
    for (let at = 0; at < untold.length; at += BATCH) {
      this.#tell(untold.slice(at, at + BATCH), detected, open);
      await this.#options.breathe();
    }
    this.#lookedAt = this.#options.now();
    this.#looked = looked;
    this.#saveSoon();
    this.#options.changed();
  }

  async #breathe(rules: RegistryRules): Promise<void> {
    await this.#options.breathe();
    this.#goOn(rules);
  }

  /** Ends a look that is no more of use. */
  #goOn(rules: RegistryRules): void {
    if (this.#isClosed || rules !== this.#rules) throw new Outdated();
  }

  /** Has the log told all that it knows of what the look found. */
  async #settle(): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#options.startTimer(SETTLE_MS, resolve);
      this.#endSettling = () => {
        cancel();
        resolve();
      };
    });
    this.#endSettling = undefined;
    // Where it can't be read, nobody tells.
    if (!this.#isClosed) await this.#options.log.read().catch(() => undefined);
  }

  /** After the events were handed on: a kill in between tells of a value twice rather than never. */
  #tell(differences: Looked['differences'], detected: 'baseline' | 'rescan', open: OpenRegistryKey): void {
    const { now, newId, events } = this.#options;
    const told = differences.map((difference) =>
      differenceEvent(difference, {
        ...{ id: newId(), at: now(), detected, rules: difference.rules },
        texts: textsNow(open, difference),
      }),
    );
    const wanted = told.filter((event) => event !== undefined);
    if (wanted.length > 0) events(wanted);
    for (const { key, value, after } of differences) {
      if (after === undefined) this.#state?.remove(key, value);
      else this.#state?.put({ key, value, state: after });
    }
  }

  /** What is changed again before that is written with it. */
  #saveSoon(): void {
    this.#cancelSave?.();
    this.#cancelSave = this.#options.startTimer(SAVE_MS, () => {
      this.#save();
    });
  }

  #save(): void {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    try {
      this.#state?.save(this.#options.stateFile);
    } catch (error) {
      this.#options.warn(`the baseline of registry values is not kept: ${reasonOf(error)}`);
    }
  }
}

/** The rules are others, or the sensor ends. */
class Outdated extends Error {}

function readNow(open: OpenRegistryKey, key: string, value: string): ReturnType<typeof valueNow> {
  const opened = open(key, true);
  if ('error' in opened) return isNotThere(opened.error) ? undefined : opened;
  try {
    return valueNow(opened, value);
  } finally {
    opened.close();
  }
}

/** What a value says, for a rule that has it shown; nothing where it is another one by now. */
function textsNow(
  open: OpenRegistryKey,
  { key, value, after, rules }: Looked['differences'][number],
): string[] {
  if (after === undefined || diffRule(rules) === undefined) return [];
  const found = readNow(open, key, value);
  if (found === undefined || 'error' in found || !isSameState(found.state, after)) return [];
  return found.data === undefined ? [] : textsOfData(after.kind, found.data);
}

function unreadTexts(keys: readonly (readonly [key: string, reason: string])[]): string[] {
  const [first] = keys;
  if (first === undefined) return [];
  const named = `${encodeHostText(first[0], 'win32').slice(0, MOST_NAME)}: ${first[1]}`;
  return [
    keys.length === 1
      ? `one key can't be read, ${named}`
      : `${keys.length} keys can't be read, one of them ${named}`,
  ];
}
