import { createHash } from 'node:crypto';
import type { FimRule } from '../../../shared/file-integrity.ts';
import { coverOf } from '../rule-cover.ts';
import type { RegistryDifference } from './registry-differences.ts';
import type { RegistryRules } from './registry-events.ts';
import type { OpenRegistryKey } from './registry-keys.ts';
import { folded, isKeyWithin, placeOfKey, realKeys, registryPlaces } from './registry-names.ts';
import { MOST_UNREAD_KEYS, MOST_VALUES, type RegistryState } from './registry-state.ts';
import { isSameState, type ValueState } from './registry-value.ts';
import { RegistryWalk, type Walked } from './registry-walk.ts';

/** What a look found. */
export interface Looked {
  /** What is to be told, with the rules that cover it and had looked there before. */
  readonly differences: readonly (RegistryDifference & { readonly rules: readonly FimRule[] })[];
  /** Keys that can't be read, and why. */
  readonly unread: ReadonlyMap<string, string>;
  /** Ids of the rules of which not all was read: there is too much. */
  readonly partly: ReadonlySet<string>;
  /** Real keys of each rule, by its id. */
  readonly roots: ReadonlyMap<string, readonly string[]>;
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

/** A value among others, whatever the case of its names. */
export const valueId = (key: string, value: string): string => `${folded(key)}\0${folded(value)}`;

class Look {
  readonly #parts: LookParts;
  readonly #walk: RegistryWalk;
  readonly #seen = new Set<string>();
  readonly #differences: (RegistryDifference & { readonly rules: readonly FimRule[] })[] = [];
  readonly #roots = new Map<string, readonly string[]>();
  readonly #partly = new Set<string>();
  #created = 0;

  constructor(parts: LookParts) {
    const { open, rules, breathe } = parts;
    this.#parts = parts;
    this.#walk = new RegistryWalk({
      ...{ open, breathe },
      places: registryPlaces(open),
      scope: {
        enters: (key) => rules.enters(key),
        covers: (key, value) => rules.covering(key, value).length > 0,
      },
      found: this.#found.bind(this),
    });
  }

  async run(): Promise<Looked> {
    const { rules, state } = this.#parts;
    let walked: Walked = 'whole';
    for (const rule of rules.all) {
      const roots = realKeys(rule.path, this.#walk.around).filter((root) => this.#isLoaded(root));
      this.#roots.set(rule.id, roots);
      for (const root of roots) if (walked === 'whole') walked = await this.#root(root);
      if (walked === 'too much') this.#partly.add(rule.id);
    }
    if (this.#walk.unread.size > MOST_UNREAD_KEYS) for (const { id } of rules.all) this.#partly.add(id);
    this.#findDeleted();
    state.established = this.#established();
    state.unread = new Set([...this.#walk.unread.keys()].slice(0, MOST_UNREAD_KEYS).map(folded));
    return {
      differences: this.#differences,
      unread: this.#walk.unread,
      partly: this.#partly,
      roots: this.#roots,
    };
  }

  /** A rule names a key, or a value of the key above. */
  async #root(root: string): Promise<Walked> {
    const above = root.slice(0, Math.max(0, root.lastIndexOf('\\')));
    const tree = await this.#walk.tree(root);
    return tree === 'whole' && above !== '' ? this.#walk.values(above) : tree;
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
    const id = valueId(key, value);
    if (this.#seen.has(id)) return true;
    this.#seen.add(id);
    const row = state.get(key, value);
    if (row !== undefined) {
      if (!isSameState(row.state, after)) this.#differs({ ...row, before: row.state, after });
      return true;
    }
    const rules = this.#isBelow(state.unread, key) ? [] : this.#lookedThere(key, value);
    if (rules.length === 0) return state.put({ key, value, state: after });
    if (state.size + this.#created >= MOST_VALUES) return false;
    this.#created += 1;
    this.#differences.push({ key, value, before: undefined, after, rules });
    return true;
  }

  #differs({ key, value, before, after }: RegistryDifference): void {
    const rules = this.#parts.rules.covering(key, value);
    this.#differences.push({ key, value, before, after, rules });
  }

  /** The rules that cover a value and had looked at its hive before. */
  #lookedThere(key: string, value: string): FimRule[] {
    const { rules, state } = this.#parts;
    return rules.covering(key, value).filter((rule) => state.established.has(tagOf(rule, placeOfKey(key))));
  }

  #findDeleted(): void {
    const { rules, state } = this.#parts;
    const whole = rules.all
      .filter(({ id }) => !this.#partly.has(id))
      .flatMap(({ id }) => this.#roots.get(id) ?? []);
    for (const { key, value, state: before } of [...state.rows()]) {
      if (this.#seen.has(valueId(key, value))) continue;
      if (rules.covering(key, value).length === 0) state.remove(key, value);
      else if (this.#isGone(key, value, whole)) this.#differs({ key, value, before, after: undefined });
    }
  }

  #isGone(key: string, value: string, whole: readonly string[]): boolean {
    const named = folded(`${key}\\${value}`);
    const isLookedFor = whole.some((root) => isKeyWithin(root, key) || folded(root) === named);
    return isLookedFor && this.#isLoaded(key) && !this.#isBelow(this.#walk.unsure, key);
  }

  #isBelow(keys: ReadonlySet<string>, key: string): boolean {
    if (keys.size === 0) return false;
    const names = folded(key).split('\\');
    return names.some((_name, at) => keys.has(names.slice(0, at + 1).join('\\')));
  }

  /** Where each rule has looked by now. One that could not look at all begins anew: what it did not see is no news later. */
  #established(): Set<string> {
    const { rules, state } = this.#parts;
    const tags = new Set<string>();
    for (const rule of rules.all) {
      if (this.#partly.has(rule.id)) continue;
      const mark = tagOf(rule, '');
      for (const tag of state.established) if (tag.startsWith(mark)) tags.add(tag);
      for (const root of this.#roots.get(rule.id) ?? []) {
        tags.add(tagOf(rule, placeOfKey(root)));
        for (const place of this.#walk.places) if (isKeyWithin(root, place)) tags.add(tagOf(rule, place));
      }
    }
    return tags;
  }
}

/** A rule by what it covers, and a place. */
function tagOf(rule: FimRule, place: string): string {
  return `${createHash('sha256').update(coverOf(rule)).digest('base64url')}|${place}`;
}
