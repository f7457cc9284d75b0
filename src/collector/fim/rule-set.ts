import type { FimRule } from '../../shared/file-integrity.ts';
import type { Os } from '../table.ts';
import { glob, type Glob } from './glob.ts';

/** What of a directory's direct entries may concern a rule. */
export type Interest =
  | { readonly entries: 'none' }
  | { readonly entries: 'all' }
  /** On the way to what a rule names: these names alone. */
  | { readonly entries: 'named'; readonly names: ReadonlySet<string> };

const NONE: Interest = { entries: 'none' };
const ALL: Interest = { entries: 'all' };

/** A rule with its patterns compiled. */
interface Compiled {
  readonly rule: FimRule;
  readonly root: string;
  readonly include: readonly Test[];
  readonly exclude: readonly Test[];
  /** Levels below the root that entries may stand at; 0 for entries of the root. */
  readonly depth: number;
}
/** Tries a pattern on a path and its last name. */
type Test = (path: string, name: string) => boolean;

/**
 * The rules of file integrity as one filter, asked before anything is read. Paths are host text, absolute, without a
 * separator at the end (but for the root itself).
 */
export class RuleSet {
  readonly #separator: '/' | '\\';
  readonly #fold: (text: string) => string;
  readonly #rules: readonly Compiled[];
  readonly #own: readonly string[];
  /** As it is compared, and as it is written. */
  readonly #canary: { readonly path: string; readonly written: string } | undefined;
  /** Roots as they are compared and as they are written, the outermost first. */
  readonly #spelling: readonly (readonly [root: string, written: string])[];

  /**
   * `own` are directories of the agent: nothing in them concerns any rule. `canary` is a file in one of them of which the
   * source is to tell all the same, for the agent to see that it still does.
   */
  constructor(rules: readonly FimRule[], own: readonly string[], os: Os, canary?: string) {
    this.#separator = os === 'win32' ? '\\' : '/';
    this.#fold = os === 'win32' ? (text) => text.toLowerCase() : (text) => text;
    this.#rules = rules.map((rule) => this.#compile(rule));
    this.#own = own.map((path) => this.#normal(path));
    this.#canary = canary === undefined ? undefined : { path: this.#normal(canary), written: canary };
    this.#spelling = this.roots()
      .map((root) => [this.#normal(root), root] as const)
      .sort(([a], [b]) => a.length - b.length);
  }

  /** The paths that a source has to hear of, each once, in their order and case: those that rules name, and the canary. */
  roots(): string[] {
    const roots = new Map<string, string>();
    for (const { root, rule } of this.#rules) {
      const drive = /^[A-Za-z]:$/.test(root);
      if (!roots.has(root)) roots.set(root, drive ? rule.path : rule.path.slice(0, root.length));
    }
    if (this.#canary !== undefined && !roots.has(this.#canary.path))
      roots.set(this.#canary.path, this.#canary.written);
    return [...roots.values()];
  }

  /** Whether changes of entries of this directory may concern a rule. Constant for one rule set, so that it can be kept. */
  interest(directory: string): Interest {
    const path = this.#normal(directory);
    const names = new Set<string>();
    const canary = this.#canary === undefined ? undefined : this.#below(path, this.#canary.path)?.at(0);
    if (canary !== undefined) names.add(canary);
    if (this.#isOwn(path)) return names.size > 0 ? { entries: 'named', names } : NONE;
    for (const compiled of this.#rules) {
      const below = this.#below(compiled.root, path);
      if (below !== undefined && takesEntries(compiled, below)) {
        if (!this.#excluded(compiled, path)) return ALL;
      }
      const next = this.#below(path, compiled.root)?.at(0);
      if (next !== undefined) names.add(next);
    }
    return names.size > 0 ? { entries: 'named', names } : NONE;
  }

  /** The rules that report this path, in their order. `directory`: whether it is one; then `include` is not asked. */
  rulesFor(path: string, directory: boolean): FimRule[] {
    const normal = this.#normal(path);
    if (this.#isOwn(normal)) return [];
    return this.#rules.filter((rule) => this.#reports(rule, normal, directory)).map(({ rule }) => rule);
  }

  /**
   * `rulesFor` of the entries of one directory, by their names: what the way to it decides is decided once, since a walk asks
   * for every file of a disk.
   */
  entriesOf(directory: string): (name: string, isDirectory: boolean) => readonly FimRule[] {
    const path = this.#normal(directory);
    const join = (name: string): string =>
      path.endsWith(this.#separator) ? path + name : path + this.#separator + name;
    if (this.#isOwn(path)) return () => [];
    const named = this.#own.some((own) => this.#below(path, own)?.length === 1);
    const near = this.#rules.filter((compiled) => this.#reaches(compiled, path));
    const isPlain = near.every(
      ({ root, include, exclude }) =>
        this.#below(root, path) !== undefined && include.length === 0 && exclude.length === 0,
    );
    if (isPlain && !named) {
      const all = near.map(({ rule }) => rule);
      return () => all;
    }
    return (name, isDirectory) => {
      const entry = this.#fold(join(name));
      if (named && this.#isOwn(entry)) return [];
      return near
        .filter((rule) => this.#reportsEntry(rule, entry, this.#fold(name), isDirectory))
        .map(({ rule }) => rule);
    };
  }

  /** `#reports` of an entry of a directory that the rule reaches: what stands above it is decided. */
  #reportsEntry(
    { root, include, exclude }: Compiled,
    entry: string,
    name: string,
    directory: boolean,
  ): boolean {
    if (this.#below(root, entry) === undefined) return false;
    if (exclude.some((test) => test(entry, name))) return false;
    return entry === root || directory || include.length === 0 || include.some((test) => test(entry, name));
  }

  /** Whether entries of a directory may be the rule's: it stands at or below the rule's root, or right above it. */
  #reaches(compiled: Compiled, directory: string): boolean {
    const below = this.#below(compiled.root, directory);
    if (below !== undefined) return takesEntries(compiled, below) && !this.#excluded(compiled, directory);
    return this.#below(directory, compiled.root)?.length === 1;
  }

  /** Whether a walk goes into this directory for any rule. */
  entersDirectory(path: string): boolean {
    return this.interest(path).entries !== 'none';
  }

  /** Whether this is the file by which the agent sees that the source still tells of changes. */
  isCanary(path: string): boolean {
    return this.#normal(path) === this.#canary?.path;
  }

  /**
   * A path as a walk by these rules comes to it. On Windows a rule may name its root in another case than the disk does, and
   * one file must not have two names in the baseline.
   */
  spelled(path: string): string {
    const normal = this.#normal(path);
    const outermost = this.#spelling.find(([root]) => this.#below(root, normal) !== undefined);
    return outermost === undefined ? path : outermost[1] + path.slice(outermost[1].length);
  }

  #reports(compiled: Compiled, path: string, directory: boolean): boolean {
    const below = this.#below(compiled.root, path);
    if (below === undefined) return false;
    if (below.length === 0) return !this.#excluded(compiled, path);
    if (compiled.rule.kind !== 'directory' || below.length - 1 > compiled.depth) return false;
    if (this.#excluded(compiled, path)) return false;
    if (directory || compiled.include.length === 0) return true;
    return compiled.include.some((test) => test(path, this.#nameOf(path)));
  }

  /** Whether the path or a directory between the rule's root and it is excluded. */
  #excluded({ exclude, root }: Compiled, path: string): boolean {
    if (exclude.length === 0) return false;
    for (let at = path; at.length >= root.length; at = this.#parent(at)) {
      const name = this.#nameOf(at);
      if (exclude.some((test) => test(at, name))) return true;
      if (at === root) break;
    }
    return false;
  }

  /** Names that lead from one path down to the other; empty for the same, `undefined` where it is not below. */
  #below(above: string, path: string): string[] | undefined {
    if (above === path) return [];
    const prefix = above.endsWith(this.#separator) ? above : above + this.#separator;
    return path.startsWith(prefix) ? path.slice(prefix.length).split(this.#separator) : undefined;
  }

  #isOwn(path: string): boolean {
    return this.#own.some((own) => this.#below(own, path) !== undefined);
  }

  #nameOf(path: string): string {
    return path.slice(path.lastIndexOf(this.#separator) + 1);
  }

  #parent(path: string): string {
    return path.slice(0, Math.max(1, path.lastIndexOf(this.#separator)));
  }

  #normal(path: string): string {
    const folded = this.#fold(path);
    return folded.length > 1 && folded.endsWith(this.#separator) ? folded.slice(0, -1) : folded;
  }

  #compile(rule: FimRule): Compiled {
    const test = (pattern: string): Test => {
      const matches: Glob = glob(this.#fold(pattern), this.#separator);
      return pattern.includes(this.#separator) ? (path) => matches(path) : (_path, name) => matches(name);
    };
    return {
      rule,
      root: this.#normal(rule.path),
      include: rule.include.map(test),
      exclude: rule.exclude.map(test),
      depth: rule.recursive ? (rule.depth ?? Number.POSITIVE_INFINITY) : 0,
    };
  }
}

/** Whether entries of a directory `below` the root are within the depth of a rule. */
function takesEntries({ rule, depth }: Compiled, below: readonly string[]): boolean {
  return rule.kind === 'directory' && below.length <= depth;
}
