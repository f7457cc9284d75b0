import type { UnsealedFimEvent } from '../../../wire/event-chain.ts';
import { Debounce, type StartTimer } from '../../debounce.ts';
import { reasonOf } from '../../reasons.ts';
import { diffRule } from '../ledger/diff.ts';
import type { RegistryChange } from './audit-events.ts';
import { differenceEvent } from './registry-differences.ts';
import type { RegistryRules } from './registry-events.ts';
import type { OpenRegistryKey } from './registry-keys.ts';
import { HeardValues } from './registry-heard.ts';
import { lookAtRegistry, type Looked, type Untold } from './registry-look.ts';
import { loadRegistryState, type RegistryState } from './registry-state.ts';
import { MOST_LOOKED_THROUGH, textsOfData } from './registry-texts.ts';
import { isSameState, readValue } from './registry-value.ts';
import type { SecurityLog } from './security-log.ts';

const HOUR_MS = 3_600_000;

/** How often values are compared that nothing tells of, ms. */
export const UNHEARD_MS = 600_000;

/** How long what a look found waits for the log to be written, ms: what that tells has an actor, and is not told twice. */
const SETTLE_MS = 2_000;

/** How long after the last change the baseline is written, ms: what was told is durable by then. A kill before tells it again. */
const SAVE_MS = 30_000;
/**
 * How long after the first change it is written although there are more, ms. A kill just then may lose what was told in the last
 * seconds; never to write it would have a user who writes all the time tell it all again.
 */
const LATEST_SAVE_MS = 300_000;

/** Events that are told at a time. */
const BATCH = 200;

/** Values that are read one by one, and bytes of one, between two pauses. */
const STRIDE = 50;
const LARGE = 16 * 1024;

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
  readonly #heard = new HeardValues();
  #isReadingHeard = false;
  /** Looks that wait or are under way. */
  #looks = 0;
  #looking: Promise<void> = Promise.resolve();
  #cancelTick: (() => void) | undefined;
  readonly #saveSoon: Debounce;
  #isSaved = true;
  /** Ends the wait for the log. */
  #endSettling: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RegistryBaselineOptions) {
    this.#options = options;
    this.#saveSoon = new Debounce({
      ...{ quietMs: SAVE_MS, maxMs: LATEST_SAVE_MS, startTimer: options.startTimer },
      fire: () => {
        this.#save();
      },
    });
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

  /** The Security log told of values: what each is now is read soon, and is no difference to be told. */
  heard(values: readonly Pick<RegistryChange, 'key' | 'value'>[]): void {
    const rules = this.#rules;
    if (this.#open === undefined || this.#state === undefined || rules === undefined) return;
    for (const { key, value } of values)
      if (rules.covering(key, value).length > 0) this.#heard.add({ key, value });
    if (!this.#isReadingHeard) void this.#readHeard();
  }

  /** What of a rule's keys the last look could not read; `undefined` where all was read. */
  trouble(id: string): string | undefined {
    return this.#looked?.troubles.get(id);
  }

  /** Ends a look that is under way, and keeps the baseline. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTick?.();
    this.#endSettling?.();
    await this.#looking;
    if (!this.#isSaved) this.#save();
  }

  #load(): boolean {
    try {
      this.#open ??= this.#options.registry();
      this.#unavailable = undefined;
    } catch (error) {
      this.#unavailable = error instanceof Error ? error.message : 'the registry can not be read';
      return false;
    }
    this.#state ??= loadRegistryState(this.#options.stateFile, this.#options.warn);
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
      if (this.#looks > 0) return;
      if (!this.#isHeard() || this.#options.now() - this.#lookedAt >= this.#rescanMs) this.#begin();
    });
  }

  #begin(): void {
    this.#looks += 1;
    this.#looking = this.#looking
      .then(() => this.#look())
      .catch((error: unknown) => {
        if (!(error instanceof Outdated) && !this.#isClosed)
          this.#options.warn(`registry values: ${reasonOf(error)}`);
      })
      .finally(() => {
        this.#looks -= 1;
        this.#heard.endLook();
        this.#state?.release();
      });
  }

  async #look(): Promise<void> {
    const [open, state, rules] = [this.#open, this.#state, this.#rules];
    if (open === undefined || state === undefined || rules === undefined) return;
    const detected = this.#looked === undefined ? 'baseline' : 'rescan';
    this.#heard.beginLook();
    const breathe = (): Promise<void> => this.#breathe(rules);
    const looked = await lookAtRegistry({ open, state, rules, breathe });
    if (looked.differences.length > 0) await this.#settle();
    this.#goOn(rules);
    for (let at = 0; at < looked.differences.length; at += BATCH) {
      const batch = looked.differences.slice(at, at + BATCH);
      const made = await this.#eventsOf(batch, { open, detected, breathe });
      // The log may have told of one until now: what that is by now is known, or is read soon.
      this.#tell(made.filter(({ difference }) => !this.#heard.has(difference)));
      await breathe();
    }
    this.#lookedAt = this.#options.now();
    this.#looked = looked;
    this.#changed();
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

  /** The events of differences, made with pauses: their values are read and looked through for secrets. */
  async #eventsOf(differences: readonly Untold[], { open, detected, breathe }: Telling): Promise<Made[]> {
    const { now, newId } = this.#options;
    const made: Made[] = [];
    for (const difference of differences) {
      const { after, rules } = difference;
      const texts = textsNow(open, difference);
      const event = differenceEvent(difference, { id: newId(), at: now(), detected, rules, texts });
      made.push({ difference, event });
      if ((after?.size ?? 0) >= LARGE || made.length % STRIDE === 0) await breathe();
    }
    return made;
  }

  /** After the events were handed on: a kill in between tells of a value twice rather than never. */
  #tell(made: readonly Made[]): void {
    const wanted = made.flatMap(({ event }) => (event === undefined ? [] : [event]));
    if (wanted.length > 0) this.#options.events(wanted);
    for (const { difference } of made) {
      const { key, value, after } = difference;
      if (after === undefined) this.#state?.remove(key, value);
      else this.#state?.put({ key, value, state: after });
    }
    this.#changed();
  }

  /** Each once however often it was told of, and with pauses: one may have as much data as is read at all. */
  async #readHeard(): Promise<void> {
    this.#isReadingHeard = true;
    try {
      for (let count = 1; !this.#isClosed; count += 1) {
        const next = this.#heard.next();
        if (next === undefined) return;
        if (this.#refresh(next.key, next.value) >= LARGE || count % STRIDE === 0)
          await this.#options.breathe();
      }
    } catch (error) {
      if (!this.#isClosed) this.#options.warn(`registry values: ${reasonOf(error)}`);
    } finally {
      this.#isReadingHeard = false;
    }
  }

  /** Takes in what a value is now; how much was read, bytes. */
  #refresh(key: string, value: string): number {
    const [open, state, rules] = [this.#open, this.#state, this.#rules];
    if (open === undefined || state === undefined || rules === undefined) return 0;
    if (rules.covering(key, value).length === 0) return 0;
    const row = state.get(key, value);
    const found = readValue(open, { key, value }, true);
    if (found === undefined) state.remove(key, value);
    else if ('error' in found) return 0;
    else state.put({ key, value, state: found.state });
    if (!isSameState(row?.state, state.get(key, value)?.state)) this.#changed();
    return found?.data?.length ?? 0;
  }

  /** What is changed again before that is written with it. */
  #changed(): void {
    this.#isSaved = false;
    this.#saveSoon.event();
  }

  #save(): void {
    this.#saveSoon.cancel();
    this.#isSaved = true;
    try {
      this.#state?.save(this.#options.stateFile);
    } catch (error) {
      this.#options.warn(`the baseline of registry values is not kept: ${reasonOf(error)}`);
    }
  }
}

/** The rules are others, or the sensor ends. */
class Outdated extends Error {}

interface Telling {
  readonly open: OpenRegistryKey;
  readonly detected: 'baseline' | 'rescan';
  readonly breathe: () => Promise<void>;
}

interface Made {
  readonly difference: Untold;
  /** `undefined` where no rule wants it. */
  readonly event: UnsealedFimEvent | undefined;
}

/**
 * What a value says, for a rule that has it shown; none where it is another one by now, `undefined` where it is too long to be
 * looked through.
 */
function textsNow(open: OpenRegistryKey, { key, value, after, rules }: Untold): string[] | undefined {
  if (after === undefined || diffRule(rules) === undefined) return [];
  if (after.size > MOST_LOOKED_THROUGH) return undefined;
  const found = readValue(open, { key, value }, true);
  if (found === undefined || 'error' in found || !isSameState(found.state, after)) return [];
  return found.data === undefined ? [] : textsOfData(after.kind, found.data);
}
