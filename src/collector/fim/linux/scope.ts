import type { Interest, RuleSet } from '../rule-set.ts';
import { join } from './mount-table.ts';

/** A directory as one path of the host shows it. */
export interface View {
  readonly path: string;
  /** What of its entries concerns a rule. */
  readonly entries: Interest;
  /** Whether the directory itself does. */
  readonly self: boolean;
}

/** A directory of a filesystem with the paths that it has: several where it is mounted twice, none where no rule looks. */
export type Directory = readonly View[];

/** Whether an entry of this name is asked for. */
export function covers(interest: Interest, name: string): boolean {
  return interest.entries === 'all' || (interest.entries === 'named' && interest.names.has(name));
}

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What is listened for. */
export class Scope {
  readonly #rules: RuleSet;

  constructor(rules: RuleSet) {
    this.#rules = rules;
  }

  /** Paths whose filesystems have to be heard. */
  roots(): string[] {
    return this.#rules.roots();
  }

  /** `RuleSet.interest`. */
  interest(directory: string): Interest {
    return this.#rules.interest(directory);
  }

  /** A directory by its path. */
  view(path: string): View {
    const self = path === '/' ? this.interest(path) : covers(this.interest(parentOf(path)), nameOf(path));
    return {
      path,
      entries: this.interest(path),
      self: typeof self === 'boolean' ? self : self.entries === 'all',
    };
  }

  /** A directory in one that is known, without a look at the disk. */
  childOf(directory: Directory, name: string): Directory {
    return directory.map((parent) => {
      const path = join(parent.path, `/${name}`);
      return { path, entries: this.interest(path), self: covers(parent.entries, name) };
    });
  }
}
