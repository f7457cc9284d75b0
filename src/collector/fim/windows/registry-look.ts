import { createHash } from 'node:crypto';
import type { FimRule } from '../../../shared/file-integrity.ts';
import { coverOf } from '../rule-cover.ts';
import type { RegistryDifference } from './registry-differences.ts';
import type { RegistryRules } from './registry-events.ts';
import type { OpenRegistryKey } from './registry-keys.ts';
import {
  folded,
  isBelow,
  isKeyWithin,
  isLink,
  placeOfKey,
  realKeys,
  registryPlaces,
} from './registry-names.ts';
import { aboveOf, RegistryRoots } from './registry-roots.ts';
import type { BaselineRow, RegistryState } from './registry-state.ts';
import { troubleOf } from './registry-trouble.ts';
import { isSameState, readValue, type ValueState } from './registry-value.ts';
import { RegistryWalk } from './registry-walk.ts';

/** What is to be told, with the rules that cover it and had looked there before. */
export interface Untold extends RegistryDifference {
  readonly rules: readonly FimRule[];
}

/** What a look found. */
export interface Looked {
  /** What is new of this has its room in the baseline, and comes into it when it was told. */
  readonly differences: readonly Untold[];
  /** What could not be compared, by the id of the rule. */
  readonly troubles: ReadonlyMap<string, string>;
}

export interface LookParts {
  readonly open: OpenRegistryKey;
  readonly rules: RegistryRules;
  readonly state: RegistryState;
  readonly breathe: () => Promise<void>;
}

/**
 * Compares the values of the rules' keys with the baseline. What is new to a rule goes into the baseline at once; what is to be
 * told does not, until it was.
 */
export function lookAtRegistry(parts: LookParts): Promise<Looked> {
  return new Look(parts).run();
}

/** Values that the walk did not find, between two pauses: each opens a key. */
const STRIDE = 50;

class Look {
  readonly #parts: LookParts;
  readonly #walk: RegistryWalk;
  /** Names of values by their keys, folded both. Each has its room in the baseline. */
  readonly #seen = new Map<string, Set<string>>();
  readonly #differences: Untold[] = [];
  readonly #marks: ReadonlyMap<string, string>;
  /** What each rule names, and what all of them do. */
  readonly #roots = new Map<string, RegistryRoots>();
  #allRoots = new RegistryRoots([]);
  /** Ids of the rules of which not all was read: there is too much. */
  readonly #partly = new Set<string>();
  /** Where each rule looked at all that there is. */
  readonly #whole = new Set<string>();

  constructor(parts: LookParts) {
    const { open, rules, state, breathe } = parts;
    this.#parts = parts;
    this.#marks = new Map(rules.all.map((rule) => [rule.id, markOf(rule)]));
    this.#walk = new RegistryWalk({
      ...{ open, breathe },
      places: registryPlaces(open),
      scope: {
        enters: (key) => rules.enters(key),
        covers: (key, value) => rules.covering(key, value).length > 0,
      },
      known: (key, value) => state.get(key, value)?.state,
      found: this.#found.bind(this),
    });
  }

  async run(): Promise<Looked> {
    const { rules, state } = this.#parts;
    const all: string[] = [];
    for (const rule of rules.all) {
      const roots = realKeys(rule.path, this.#walk.around).filter((root) => this.#isLoaded(root));
      this.#roots.set(rule.id, new RegistryRoots(roots));
      all.push(...roots);
      for (const root of roots) await this.#root(rule, root);
    }
    this.#allRoots = new RegistryRoots(all);
    await this.#findUnseen();
    state.unread = this.#neverRead();
    state.established = this.#established();
    return { differences: this.#differences, troubles: this.#troubles() };
  }

  #troubles(): Map<string, string> {
    const troubles = new Map<string, string>();
    for (const [id, roots] of this.#roots) {
      const trouble = troubleOf(roots, this.#partly.has(id), this.#walk);
      if (trouble !== undefined) troubles.set(id, trouble);
    }
    return troubles;
  }

  /** A rule names a key, or a value of the key above. */
  async #root(rule: FimRule, root: string): Promise<void> {
    await this.#walk.tree(root);
    const above = aboveOf(root);
    if (above !== '') await this.#walk.values(above);
    if (this.#walk.isCut(root)) this.#partly.add(rule.id);
    // Each hive counts for itself: one that is too full is no reason to begin anew in another.
    const below = [...this.#walk.places].filter((place) => isKeyWithin(root, place));
    for (const area of [root, ...below])
      if (!this.#walk.isCut(area)) this.#whole.add(this.#tagOf(rule, placeOfKey(area)));
  }

  /** The hive of a user who is not logged on is not there: its values are not deleted by that. */
  #isLoaded(root: string): boolean {
    const place = placeOfKey(root);
    if (!place.startsWith('hku\\')) return true;
    const hive = this.#parts.open(root.slice(0, place.length), true);
    if ('error' in hive) return false;
    hive.close();
    return true;
  }

  #found(key: string, value: string, after: ValueState): boolean {
    const { state } = this.#parts;
    if (this.#hasSeen(key, value)) return true;
    const row = state.get(key, value);
    if (row === undefined && !this.#new(key, value, after)) return false;
    if (row !== undefined && !isSameState(row.state, after)) this.#differs(row, after);
    this.#see(key, value);
    return true;
  }

  /** Whether there was room for it. */
  #new(key: string, value: string, after: ValueState): boolean {
    const { state } = this.#parts;
    const rules = isBelow(state.unread, key) ? [] : this.#lookedThere(key, value);
    if (rules.length === 0) return state.put({ key, value, state: after });
    if (!state.hold(key, value)) return false;
    this.#differences.push({ key, value, before: undefined, after, rules });
    return true;
  }

  #hasSeen(key: string, value: string): boolean {
    return this.#seen.get(folded(key))?.has(folded(value)) === true;
  }

  #see(key: string, value: string): void {
    const values = this.#seen.get(folded(key)) ?? new Set();
    this.#seen.set(folded(key), values.add(folded(value)));
  }

  #differs({ key, value, state: before }: BaselineRow, after: ValueState | undefined): void {
    this.#differences.push({ key, value, before, after, rules: this.#parts.rules.covering(key, value) });
  }

  /** The rules that cover a value and had looked at its hive before. */
  #lookedThere(key: string, value: string): FimRule[] {
    const { rules, state } = this.#parts;
    return rules
      .covering(key, value)
      .filter((rule) => state.established.has(this.#tagOf(rule, placeOfKey(key))));
  }

  /** What the walk did not come to, or not for sure, is asked for by its name: nobody hides it in too much else, or behind noise. */
  async #findUnseen(): Promise<void> {
    const { rules, state, breathe } = this.#parts;
    let asked = 0;
    for (const row of [...state.rows()]) {
      const { key, value } = row;
      if (this.#hasSeen(key, value)) continue;
      asked += 1;
      if (asked % STRIDE === 0) await breathe();
      if (rules.covering(key, value).length === 0) state.remove(key, value);
      else if (this.#allRoots.reaches(key, value) && this.#isLoaded(key)) this.#compare(row);
    }
  }

  #compare(row: BaselineRow): void {
    const { key, value } = row;
    if (this.#walk.isSure(key) || this.#isBehindLink(key)) {
      this.#differs(row, undefined);
      return;
    }
    const found = readValue(this.#parts.open, row, this.#allRoots.names(key));
    if (found === undefined) this.#differs(row, undefined);
    else if (!('error' in found) && !isSameState(row.state, found.state)) this.#differs(row, found.state);
    this.#see(key, value);
  }

  /** What a link below a rule leads to is not what the rule names. */
  #isBehindLink(key: string): boolean {
    for (let at = key; at !== '' && !this.#allRoots.names(at); at = aboveOf(at))
      if (at !== key && isLink(this.#parts.open, at)) return true;
    return false;
  }

  /** Keys that could not be read at their first look, nor since: those that once were have their values told when they are again. */
  #neverRead(): Set<string> {
    const { state } = this.#parts;
    const unread = [...this.#walk.unread.keys()].map(folded);
    const now = new Set(unread);
    const kept = [...state.unread].filter(
      (key) => now.has(key) || !this.#walk.isSure(key) || !this.#isLoaded(key),
    );
    const isFirst = (key: string): boolean => isBelow(state.unread, key) || !this.#wasLookedAt(key);
    const first = new Set(unread.filter((key) => !state.unread.has(key) && isFirst(key)));
    for (const { key } of first.size === 0 ? [] : state.rows())
      for (let at = folded(key); at !== ''; at = aboveOf(at)) first.delete(at);
    return new Set([...kept, ...first]);
  }

  /** Whether a rule that concerns the key had looked at its hive before. */
  #wasLookedAt(key: string): boolean {
    const { rules, state } = this.#parts;
    return rules.all.some(
      (rule) =>
        state.established.has(this.#tagOf(rule, placeOfKey(key))) && this.#roots.get(rule.id)?.concerns(key),
    );
  }

  /** Where each rule has looked by now. One that could not look at all there is yet begins anew: what it did not see is no news. */
  #established(): Set<string> {
    const marks = new Set(this.#marks.values());
    const before = [...this.#parts.state.established];
    return new Set([
      ...this.#whole,
      ...before.filter((tag) => marks.has(tag.slice(0, tag.indexOf('|') + 1))),
    ]);
  }

  /** A rule and a place. */
  #tagOf(rule: FimRule, place: string): string {
    return `${this.#marks.get(rule.id) ?? ''}${place}`;
  }
}

/** A rule by what it covers. */
const markOf = (rule: FimRule): string =>
  `${createHash('sha256').update(coverOf(rule)).digest('base64url')}|`;
