import { basename } from 'node:path';
import {
  EVENT_LIMITS,
  type EventActor,
  type EventProcess,
  type EventUser,
} from '../../../shared/host-events.ts';
import { commandLineOf, cut } from '../../edr/program.ts';
import { forgetOldest } from '../../forget-oldest.ts';
import { encodeHostText } from '../../text.ts';
import type { Attribution } from '../change.ts';
import { timeOf, type EsProcess, type EsToken } from './es-message.ts';

/** Processes whose command line is remembered; the one that started first goes first. */
const MAX_KNOWN = 8_192;

/** `auid` of a process that nobody logged in for (audit_token_t). */
const NO_LOGIN = 0xffff_ffff;

/** Programs of Apple that install software: believed only with Apple's own signature. */
const INSTALLERS: ReadonlyMap<string, string> = new Map([
  ['installd', 'installer'],
  ['system_installd', 'installer'],
  ['softwareupdated', 'softwareupdate'],
]);

interface Known {
  /** Left out where it was started before anybody listened. */
  readonly commandLine?: string;
  readonly executable: string;
  /** It was forked, and runs its parent's program since. */
  readonly forked: boolean;
}

/**
 * Who the processes of messages are. A message names executable and users itself; the command line comes from the message
 * of its exec. The number `pidversion` changes with each fork and exec, so that no pid is taken for another one's.
 */
export class EsActors {
  readonly #known = new Map<string, Known>();
  readonly #nameOf: (uid: number) => string | undefined;

  /** `nameOf` gives the account name of a uid. */
  constructor(nameOf: (uid: number) => string | undefined) {
    this.#nameOf = nameOf;
  }

  /** Remembers what a process was started with; `before` is what it was up to then. */
  started(target: EsProcess, args: readonly string[], before: EsToken): void {
    this.ended(before);
    this.#remember(target.audit_token, {
      commandLine: commandLine(args),
      executable: target.executable.path,
      forked: false,
    });
  }

  /** A child is the program that its parent is, until it starts another one. */
  forked(parent: EsToken, child: EsProcess): void {
    const known = this.#known.get(keyOf(parent) ?? '');
    const executable = known?.executable ?? child.executable.path;
    this.#remember(child.audit_token, { ...known, executable, forked: true });
  }

  /** Whether a process never ran a program of its own, as far as was heard: its start was no event, so its end is none. */
  onlyForked(token: EsToken): boolean {
    return this.#known.get(keyOf(token) ?? '')?.forked === true;
  }

  ended(token: EsToken): void {
    this.#known.delete(keyOf(token) ?? '');
  }

  /** A process as events have it. */
  process(of: EsProcess): EventProcess {
    const known = this.#known.get(keyOf(of.audit_token) ?? '');
    const start = timeOf(of.start_time);
    const parent = of.parent_audit_token?.pid ?? of.ppid;
    const parentKnown = this.#known.get(keyOf(of.parent_audit_token ?? undefined) ?? '');
    return {
      pid: of.audit_token.pid,
      ...imageOf(of.executable.path),
      ...(known?.commandLine === undefined ? {} : { command_line: known.commandLine }),
      ...(start === undefined ? {} : { start: new Date(start).toISOString() }),
      ...(parent === undefined
        ? {}
        : {
            parent: { pid: parent, ...(parentKnown === undefined ? {} : imageOf(parentKnown.executable)) },
          }),
    };
  }

  user(uid: number | undefined): EventUser | undefined {
    if (uid === undefined || uid < 0) return undefined;
    const name = this.#nameOf(uid);
    return name === undefined
      ? { id: String(uid) }
      : { id: String(uid), name: cut(encodeHostText(name, 'darwin'), 1_024) };
  }

  /** Who logged in; `undefined` for services. */
  loginUser({ auid }: EsToken): EventUser | undefined {
    return auid === undefined || auid === NO_LOGIN ? undefined : this.user(auid);
  }

  attribution(of: EsProcess): Attribution {
    const user = this.user(of.audit_token.euid);
    const login = this.loginUser(of.audit_token);
    const actor: EventActor = {
      state: 'known',
      process: this.process(of),
      ...(user === undefined ? {} : { user }),
      ...(login === undefined ? {} : { login_user: login }),
    };
    const manager = of.is_platform_binary === true ? INSTALLERS.get(basename(of.executable.path)) : undefined;
    return manager === undefined ? { actor } : { actor, packageManager: manager };
  }

  #remember(token: EsToken, known: Known): void {
    const key = keyOf(token);
    if (key === undefined) return;
    this.#known.delete(key);
    this.#known.set(key, known);
    forgetOldest(this.#known, MAX_KNOWN);
  }
}

/** What is far beyond the bound is left out before it is looked through: nobody's arguments make this slow. */
function commandLine(args: readonly string[]): string {
  const first: string[] = [];
  let room: number = EVENT_LIMITS.commandLine;
  for (const argument of args) {
    if (room < 0) break;
    first.push(argument.slice(0, room + 1));
    room -= argument.length + 1;
  }
  return commandLineOf(first, { os: 'darwin', isPart: first.length < args.length });
}

function keyOf(token: EsToken | undefined): string | undefined {
  return token?.pidversion === undefined ? undefined : `${token.pid} ${token.pidversion}`;
}

/** How an event names an executable of macOS. */
export function imageOf(path: string): { readonly name: string; readonly executable: string } {
  return {
    name: cut(encodeHostText(basename(path), 'darwin'), 1_024),
    executable: cut(encodeHostText(path, 'darwin'), 16_384),
  };
}
