import type { Task } from '../../shared/manifest.ts';
import type { SensorProblem } from '../../shared/sensor.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { StartTimer } from '../debounce.ts';
import type { Attribution, RawChange } from '../fim/change.ts';
import type { EsProcessSaid } from '../fim/macos/es-events.ts';
import type { SharedEslogger } from '../fim/macos/shared-eslogger.ts';
import { unknownActor } from '../fim/unknown-actor.ts';
import type { ProcessPath } from '../macos/process-paths.ts';
import { homeUsers } from '../macos/software.ts';
import type { ReadContext } from '../table.ts';
import type { WatchFolder } from '../watch-folders.ts';
import { DropWatch, type Dropped } from './dropped.ts';
import { ImageHashes } from './image-hash.ts';
import { imageNow } from './macos-images.ts';
import { MacosListeners } from './macos-listeners.ts';
import { macosRules } from './macos-rules.ts';
import { Outbox } from './outbox.ts';
import { MACOS_COMMANDS, OwnCommands } from './own-commands.ts';
import { edrRecord } from './record.ts';
import { ReportedStarts } from './reported-starts.ts';
import { NO_RULES } from './rules.ts';
import { droppedParts, type SideParts } from './side-records.ts';
import { MACOS_STARTUP } from './startup-macos.ts';
import { StartupReports } from './startup-reports.ts';
import { ToldLosses } from './told-losses.ts';

const PROVIDER = 'eslogger';
const NOBODY = unknownActor('eslogger names the actor with each change, and nobody else does');

export interface MacosProcessesOptions {
  /** Gives what is heard to `heard` and what is not to `missed`. */
  readonly eslogger: Pick<SharedEslogger, 'wantProcesses' | 'trouble' | 'unknown'>;
  /** `/` of this host. */
  readonly context: ReadContext;
  /** A monotonic clock, ms. */
  readonly monotonic: () => number;
  readonly startTimer: StartTimer;
  /** Ids of records, UUIDs. */
  readonly newId: () => string;
  /** The sensor's own pid: the commands by which it looks at sockets are no events. */
  readonly pid: number;
  /** The path of the executable of a process. */
  readonly pathOf: (pid: number) => ProcessPath;
  /** The name of a uid. */
  readonly nameOf: (uid: number) => string | undefined;
  /** The program of the thread that hashes images. */
  readonly hashThread: URL;
  /** Where the list of what starts programs is kept from one run to the next. */
  readonly stateFile: string;
  readonly watchFolder?: WatchFolder | undefined;
  readonly events: (events: readonly UnsealedEdrEvent[]) => void;
  readonly log: (level: 'warn' | 'debug', message: string) => void;
}

/** Process events of macOS (R201): starts and ends from eslogger, what starts programs later, executables in suspect places. */
export class MacosProcesses {
  readonly #options: MacosProcessesOptions;
  readonly #hashes: ImageHashes;
  readonly #outbox: Outbox;
  readonly #starts: ReportedStarts;
  readonly #drops: DropWatch;
  readonly #listeners: MacosListeners;
  readonly #own: OwnCommands;
  readonly #losses: ToldLosses;
  readonly #startup: StartupReports;
  #rules = NO_RULES;

  constructor(options: MacosProcessesOptions) {
    const { context, monotonic, startTimer, newId } = options;
    this.#options = options;
    this.#hashes = new ImageHashes(options.hashThread, startTimer);
    this.#losses = new ToldLosses({
      now: context.now,
      startTimer,
      newId,
      provider: PROVIDER,
      isWanted: () => {
        const { process, dropped, listener } = this.#rules;
        return process.length > 0 || dropped.length > 0 || listener.length > 0;
      },
      events: options.events,
    });
    this.#outbox = new Outbox({
      now: monotonic,
      startTimer,
      before: () => undefined,
      send: options.events,
      room: () => Number.POSITIVE_INFINITY,
      dropped: () => {
        this.missed('process events came faster than they could be written', 1);
      },
    });
    const add = this.#outbox.add.bind(this.#outbox);
    this.#starts = new ReportedStarts({ now: monotonic, newId, hashes: this.#hashes, add });
    this.#own = new OwnCommands(options.pid, MACOS_COMMANDS);
    this.#listeners = new MacosListeners({
      ...options,
      hearsStarts: () => this.#rules.process.length > 0 && options.eslogger.trouble === undefined,
      opened: (parts) => {
        this.#report(parts);
      },
      lost: (count) => {
        this.missed('more sockets opened than could be looked at', count);
      },
    });
    this.#startup = new StartupReports({
      ...options,
      host: MACOS_STARTUP,
      report: (parts) => {
        this.#report(parts);
      },
    });
    this.#drops = new DropWatch({
      place: context,
      homes: () => homeUsers(context).map((user) => `/Users/${user}`),
      startTimer,
      dropped: (found) => {
        for (const one of found) this.#dropped(one);
      },
      lost: (count) => {
        this.missed('more executables appeared than could be looked at', count);
      },
    });
  }

  /** The tasks of the EDR manifest, or `null` where the module is off. Returns the reasons of tasks that can't be followed. */
  setRules(tasks: readonly Task[] | null): readonly string[] {
    this.#rules = macosRules(tasks ?? []);
    this.#starts.setRules(this.#rules.process);
    this.#drops.setRules(this.#rules.dropped);
    this.#listeners.setRules(this.#rules.listener);
    this.#startup.setRules(this.#rules.startup);
    this.#options.eslogger.wantProcesses(this.#rules.process.length > 0);
    return this.#rules.refused.map(({ id, reason }) => `${id}: ${reason}`);
  }

  /** A process started or ended. */
  heard({ reported, image }: EsProcessSaid): void {
    if (this.#own.isOwn(reported)) return;
    if (reported.action === 'process_started') this.#listeners.started();
    this.#starts.heard(reported, () => (image === undefined ? undefined : imageNow(image)));
  }

  /** Messages that may have been of processes were missed: `count` where it is known. */
  missed(reason: string, count?: number): void {
    this.#losses.add(reason, count);
  }

  /** Nobody asks: what eslogger tells carries its actor. */
  readonly attribute = (): Attribution => NOBODY;

  /** The folders of which changes are to be told to `fileChange`. */
  dropDirectories(): readonly string[] {
    return this.#drops.folders();
  }

  fileChange(change: RawChange): void {
    this.#drops.changed(change);
  }

  state(): { readonly method: 'eslogger'; readonly lost: number } {
    return { method: PROVIDER, lost: this.#losses.total };
  }

  problems(): { readonly code: SensorProblem; readonly text: string }[] {
    const { trouble, unknown } = this.#options.eslogger;
    const { total } = this.#losses;
    const problems: { code: SensorProblem; text: string }[] = [...this.#startup.problems()];
    if (this.#rules.process.length > 0 && trouble !== undefined) {
      problems.push({
        code: 'EDR_INCOMPLETE',
        text: `starts and ends of processes are not heard: ${trouble}`,
      });
    }
    const { trouble: unseen } = this.#listeners;
    if (unseen !== undefined) {
      problems.push({ code: 'EDR_INCOMPLETE', text: `sockets that listen are not seen: ${unseen}` });
    }
    if (unknown > 0) {
      const text = `${String(unknown)} messages of eslogger were of no known form, and were passed over`;
      problems.push({ code: 'EDR_INCOMPLETE', text });
    }
    if (total > 0) {
      problems.push({
        code: 'EDR_LOST',
        text: `${String(total)} messages about processes or files were lost`,
      });
    }
    return problems;
  }

  async stop(): Promise<void> {
    this.#startup.stop();
    this.#drops.close();
    this.#listeners.stop();
    this.#outbox.stop();
    this.#losses.tell();
    await this.#hashes.stop();
  }

  #dropped(one: Dropped): void {
    const provider = one.by?.actor.state === 'known' ? PROVIDER : 'file watcher';
    const owner = this.#options.nameOf(one.uid);
    this.#report(droppedParts(one, { provider, owner, os: 'darwin' }));
  }

  /** A record that waits for nothing. */
  #report(parts: SideParts): void {
    const { monotonic, newId, context } = this.#options;
    const at = context.now();
    this.#outbox.add({
      at: monotonic(),
      text: (parts.item?.length ?? 0) + 1_024,
      isReady: () => true,
      write: () => edrRecord({ ...parts, id: newId(), at }),
    });
  }
}
