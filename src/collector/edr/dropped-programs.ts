import { closeSync, readSync } from 'node:fs';
import { FimRuleParams, type FimRule } from '../../shared/file-integrity.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { StartTimer } from '../debounce.ts';
import { CHANGE, type Attribution, type RawChange } from '../fim/change.ts';
import { RuleSet } from '../fim/rule-set.ts';
import { forgetOldest } from '../forget-oldest.ts';
import { rfc3339 } from '../instant.ts';
import { openRegular, type Place } from '../open-file.ts';
import { encodeHostText } from '../text.ts';
import { edrRecord } from './record.ts';
import type { EdrRule } from './rules.ts';

/** From a change to the look at the file, ms: what writes it is to be done. */
const SETTLE_MS = 500;

/** Files that wait for a look, those looked at in one go, and what was reported and is not again. */
const MOST_WAITING = 4_096;
const TURN = 100;
const MOST_REPORTED = 4_096;

/** Changes after which a file may have become a program. */
const MAY_DROP = CHANGE.created | CHANGE.closedAfterWrite | CHANGE.modified | CHANGE.movedTo;

/** What Windows starts by the end of its name, other than programs that begin with `MZ`. */
const SCRIPT = /\.(?:bat|cmd|com|hta|js|jse|lnk|msi|ps1|psm1|scr|vbe|vbs|wsf|wsh)$/i;

type DropRule = EdrRule<'dropped_executables'>;

export interface DroppedProgramsOptions {
  /** Looks at a file; `undefined` where there is no regular one. */
  readonly look: (path: string) => Looked | undefined;
  readonly now: () => number;
  readonly startTimer: StartTimer;
  readonly newId: () => string;
  readonly events: (events: readonly UnsealedEdrEvent[]) => void;
  /** Files had no place among those that wait. */
  readonly lost: (count: number) => void;
}

/** A regular file: its first two characters, its length in bytes, and when it was written last, ms since the epoch. */
export interface Looked {
  readonly begins: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** What stands at a path. */
interface Program {
  readonly kind: 'program' | 'script';
  readonly size: number;
  readonly mtimeMs: number;
}

/** Programs and scripts that appear below the folders of rules on Windows (R201). */
export class DroppedPrograms {
  readonly #options: DroppedProgramsOptions;
  #rules: ReadonlyMap<string, DropRule> = new Map();
  #folders: readonly FimRule[] = [];
  #set: RuleSet | undefined;
  readonly #waiting = new Map<string, RawChange>();
  readonly #reported = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(options: DroppedProgramsOptions) {
    this.#options = options;
  }

  /** Paths of other systems are passed over. */
  setRules(rules: readonly DropRule[]): void {
    this.#rules = new Map(rules.map((rule) => [rule.id, rule]));
    this.#folders = rules.flatMap(({ id, paths, exclude }) =>
      paths
        .filter((path) => /^[A-Za-z]:\\/.test(path) && !path.split('\\').includes('..'))
        .map((path) => ({ ...FimRuleParams.parse({ kind: 'directory', path, exclude }), id })),
    );
    this.#set = this.#folders.length === 0 ? undefined : new RuleSet(this.#folders, [], 'win32');
  }

  /** The folders of the rules, for who tells of changes. */
  directories(): string[] {
    return [...new Set(this.#folders.map(({ path }) => path))];
  }

  /** A file changed. */
  changed(change: RawChange): void {
    const { path, what, directory } = change;
    if (directory || (what & MAY_DROP) === 0 || this.#ruleOf(path) === undefined) return;
    if (this.#waiting.size >= MOST_WAITING && !this.#waiting.has(path)) {
      this.#options.lost(1);
      return;
    }
    const before = this.#waiting.get(path);
    // One who is not known does not hide one who is.
    const by = change.by.actor.state === 'known' ? change.by : (before?.by ?? change.by);
    this.#waiting.set(path, { ...change, by });
    this.#cancel ??= this.#options.startTimer(SETTLE_MS, () => {
      this.#turn();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting.clear();
  }

  #ruleOf(path: string): DropRule | undefined {
    const id = this.#set?.rulesFor(path, false)[0]?.id;
    return id === undefined ? undefined : this.#rules.get(id);
  }

  #turn(): void {
    this.#cancel = undefined;
    const events: UnsealedEdrEvent[] = [];
    for (const [path, change] of [...this.#waiting].slice(0, TURN)) {
      this.#waiting.delete(path);
      const event = this.#examine(change);
      if (event !== undefined) events.push(event);
    }
    if (events.length > 0) this.#options.events(events);
    if (this.#waiting.size === 0) return;
    this.#cancel = this.#options.startTimer(1, () => {
      this.#turn();
    });
  }

  #examine({ path, by }: RawChange): UnsealedEdrEvent | undefined {
    const rule = this.#ruleOf(path);
    const found = rule === undefined ? undefined : this.#options.look(path);
    const program = found === undefined ? undefined : programOf(path, found);
    if (rule === undefined || program === undefined) return undefined;
    const key = [path.toLowerCase(), program.size, program.mtimeMs].join('|');
    if (this.#reported.has(key)) return undefined;
    this.#reported.add(key);
    forgetOldest(this.#reported, MOST_REPORTED);
    return this.#event(rule, path, program, by);
  }

  #event(rule: DropRule, path: string, program: Program, { actor }: Attribution): UnsealedEdrEvent {
    const known = actor.state === 'known' ? actor : undefined;
    const mtime = rfc3339(program.mtimeMs);
    return edrRecord({
      id: this.#options.newId(),
      at: this.#options.now(),
      action: 'executable_dropped',
      provider: 'file changes',
      severity: rule.severity,
      rule: rule.id,
      item: program.kind,
      file: {
        path: encodeHostText(path, 'win32').slice(0, 16_384),
        type: 'file',
        ...(Number.isSafeInteger(program.size) ? { size: program.size } : {}),
        ...(mtime === undefined ? {} : { mtime }),
      },
      process: known?.process,
      user: known?.user,
      reason: actor.state === 'unknown' ? actor.reason : undefined,
    });
  }
}

/** What a path's file is by its first bytes and its name; `undefined` for what is neither program nor script. */
function programOf(path: string, { begins, size, mtimeMs }: Looked): Program | undefined {
  if (begins === 'MZ') return { kind: 'program', size, mtimeMs };
  return SCRIPT.test(path) ? { kind: 'script', size, mtimeMs } : undefined;
}

/** A look at a regular file of this host, no link followed; `undefined` for all else, and what can't be looked at. */
export function lookAtFile(place: Place, path: string): Looked | undefined {
  try {
    const opened = openRegular(place, path, { links: 'none', maxBytes: Number.MAX_SAFE_INTEGER });
    if (opened === undefined) return undefined;
    const magic = Buffer.alloc(2);
    try {
      readSync(opened.fd, magic, 0, 2, 0);
    } finally {
      closeSync(opened.fd);
    }
    const { size, mtimeMs } = opened.stat;
    return { begins: magic.toString('latin1'), size, mtimeMs };
  } catch {
    return undefined;
  }
}
