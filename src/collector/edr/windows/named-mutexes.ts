import { reasonOf } from '../../reasons.ts';
import { encodeHostText } from '../../text.ts';
import { glob, type Glob } from '../../fim/glob.ts';
import { NewSince } from '../new-since.ts';
import { cut } from '../program.ts';
import type { EdrRule } from '../rules.ts';
import type { SideParts } from '../side-records.ts';
import type { WindowsCalls } from './calls.ts';
import { MOST_OBJECTS } from './object-directories.ts';

/*
 * Where named objects are (Microsoft, "Kernel object namespaces"): those of services, and those of all who ask for `Global\`,
 * in one directory; all others in that of their session. In session 0, that of the services, the two are one.
 */
const GLOBAL = '\\BaseNamedObjects';
const SESSIONS = '\\Sessions';
const MUTEX = 'Mutant';

/** Sessions that are looked at, and mutexes of one look that are told of. */
const MOST_SESSIONS = 64;
const MOST_FOUND = 256;
const ITEM_CHARS = 4_096;

const PROVIDER = 'object namespace';

interface Place {
  readonly directory: string;
  /** What a program may write before a name to have it there; nothing as well. */
  readonly prefixes: readonly string[];
}

interface Found {
  readonly path: string;
  readonly rule: EdrRule<'mutex_events'>;
}

interface Compiled {
  readonly rule: EdrRule<'mutex_events'>;
  readonly patterns: readonly Glob[];
}

export interface NamedMutexesOptions {
  readonly objects: WindowsCalls['objects'];
  /** Mutexes were found of which nothing is told. */
  readonly lost: (count: number) => void;
}

/**
 * Mutexes of Windows whose names fit a rule. Each is told once while it exists, and so is one that a first look finds: its name
 * says that something runs, however long it does. Names are compared as Windows does, with the case of their letters.
 */
export class NamedMutexes {
  readonly #options: NamedMutexesOptions;
  readonly #new = new NewSince<Found>(({ path }) => path, true);
  #rules: readonly Compiled[] = [];
  #trouble: string | undefined;

  constructor(options: NamedMutexesOptions) {
    this.#options = options;
  }

  /** Why the last look did not see all; `undefined` where it did. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  setRules(rules: readonly EdrRule<'mutex_events'>[]): void {
    this.#rules = rules.map((rule) => ({ rule, patterns: rule.names.map((name) => glob(name, '\\')) }));
  }

  /** Forgets what was told. */
  reset(): void {
    this.#new.reset();
    this.#trouble = undefined;
  }

  look(): SideParts[] {
    this.#trouble = undefined;
    const places = this.#places();
    const found = places.flatMap((place) => this.#found(place));
    this.#new.keepOnly(new Set(places.map(({ directory }) => directory)));
    if (found.length > MOST_FOUND) this.#options.lost(found.length - MOST_FOUND);
    return found.slice(0, MOST_FOUND).map(partsOf);
  }

  /** A session that ended is not among them. */
  #places(): Place[] {
    const sessions = this.#list(SESSIONS)
      ?.map(({ name }) => name)
      .filter((name) => /^[1-9]\d{0,9}$/.test(name));
    if (sessions !== undefined && sessions.length > MOST_SESSIONS) {
      this.#trouble ??= `there are more than ${String(MOST_SESSIONS)} sessions`;
    }
    return [
      { directory: GLOBAL, prefixes: ['Global\\', 'Local\\'] },
      ...(sessions ?? []).slice(0, MOST_SESSIONS).map((session) => ({
        directory: `${SESSIONS}\\${session}${GLOBAL}`,
        prefixes: ['Local\\'],
      })),
    ];
  }

  #found({ directory, prefixes }: Place): Found[] {
    const objects = this.#list(directory);
    if (objects === undefined) return [];
    const fitting = objects
      .filter(({ type }) => type === MUTEX)
      .flatMap(({ name }): Found[] => {
        const rule = this.#ruleOf([name, ...prefixes.map((prefix) => prefix + name)]);
        return rule === undefined ? [] : [{ path: `${directory}\\${name}`, rule }];
      });
    return this.#new.of(directory, fitting);
  }

  #ruleOf(names: readonly string[]): EdrRule<'mutex_events'> | undefined {
    return this.#rules.find(({ patterns }) => names.some((name) => patterns.some((fits) => fits(name))))
      ?.rule;
  }

  #list(directory: string): ReturnType<WindowsCalls['objects']> | undefined {
    try {
      const objects = this.#options.objects(directory);
      if (objects.length >= MOST_OBJECTS) {
        this.#trouble ??= `${directory}: it has more than ${String(MOST_OBJECTS)} objects`;
      }
      return objects;
    } catch (error) {
      this.#trouble ??= `${directory}: ${error instanceof Error ? error.message : reasonOf(error)}`;
      return undefined;
    }
  }
}

function partsOf({ path, rule }: Found): SideParts {
  return {
    action: 'mutex_created',
    provider: PROVIDER,
    severity: rule.severity,
    rule: rule.id,
    item: cut(encodeHostText(path, 'win32'), ITEM_CHARS),
    reason: 'the namespace does not tell which process made it',
  };
}
