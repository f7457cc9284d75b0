import type { OnPremise } from '../../shared/profile.ts';
import type { ScanMergeStatus } from '../../shared/status.ts';
import type { Configuration } from '../agentid/configuration.ts';
import type { Taken } from '../agentid/listen.ts';
import type { Report } from '../agentid/report.ts';
import { toInstant, type Clock } from '../clock.ts';
import type { Log } from '../host/log.ts';
import { AGENTID_SERVICE, type AgentIdPort, type StartAgentId } from './agentid-process.ts';
import { isOnPremise, type Place } from './on-premise.ts';

/** When the ports are tried again after none was free, ms. */
const PORTS_AGAIN_MS = 60_000;

/** First and longest pause before a process that ended is started again, ms. */
const RESTART_FIRST_MS = 1_000;
const RESTART_CAP_MS = 60_000;

/** One that has listened for this long ended for a new reason: the pauses begin anew, ms. */
const SETTLED_MS = 60_000;

/** What profile, network and identity call for. */
export interface ScanMergeWish {
  /** The profile's switch (R270). */
  readonly enabled: boolean;
  /** Ascending; one at least. */
  readonly ports: readonly number[];
  readonly bindAll: boolean;
  readonly onPremise: OnPremise;
  readonly place: Place;
  /** `null` while there is none that the platform could know. */
  readonly correlationId: string | null;
}

/** How the endpoint stands. */
export interface ScanMergeState extends ScanMergeStatus {
  /** Values of the condition `SCAN_MERGE` while it holds, else `null`. */
  readonly condition: { readonly reason: string; readonly next: string } | null;
}

export interface ScanMergeParts {
  readonly start: StartAgentId;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Called after every change, never from inside `update`. */
  readonly onState: (state: ScanMergeState) => void;
}

const state = (
  name: ScanMergeState['state'],
  reason: string,
  more: Partial<ScanMergeState> = {},
): ScanMergeState => ({ state: name, ports: [], reason, condition: null, ...more });

const OFF = state('off', 'the profile does not ask for it');

/** What is to run, or why nothing is. */
type Target = { readonly run: Configuration } | { readonly rest: ScanMergeState };

/**
 * Runs the endpoint's process exactly while profile, network and identity call for it (R270, R275), one process per
 * configuration. The last wish counts; the old process has released its ports before the next one binds.
 */
export class ScanMerge {
  readonly #parts: ScanMergeParts;
  #state: ScanMergeState = OFF;
  #wishes = 0;
  #lastWish = '';
  /** Changes of the process, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #target: Target = { rest: OFF };
  #port: AgentIdPort | undefined;
  /** Which start is the current one: what earlier processes still say is not heard. */
  #run = 0;
  #listeningSince: number | null = null;
  #inARow = 0;
  #cancelRestart: () => void = () => undefined;
  #stopped = false;

  constructor(parts: ScanMergeParts) {
    this.#parts = parts;
  }

  get state(): ScanMergeState {
    return this.#state;
  }

  get pid(): number | null {
    return this.#port?.pid ?? null;
  }

  /** To be called whenever profile, network or identity may have changed: a wish that is the same changes nothing. */
  update(wish: ScanMergeWish): void {
    const text = JSON.stringify(wish);
    if (this.#stopped || text === this.#lastWish) return;
    this.#lastWish = text;
    this.#wishes += 1;
    const mine = this.#wishes;
    this.#work = this.#work.then(async () => {
      if (mine !== this.#wishes) return;
      const target = await targetOf(wish);
      if (mine === this.#wishes) await this.#aimAt(target);
    });
  }

  /** Ends the process; nothing is started afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wishes += 1;
    this.#work = this.#work.then(() => this.#aimAt({ rest: OFF }));
    await this.#work;
  }

  async #aimAt(target: Target): Promise<void> {
    if ('run' in target && 'run' in this.#target && sameRun(target.run, this.#target.run)) return;
    this.#target = target;
    this.#inARow = 0;
    await this.#endProcess();
    if ('rest' in target) this.#become(target.rest);
    else this.#startProcess(target.run);
  }

  async #endProcess(): Promise<void> {
    this.#cancelRestart();
    this.#run += 1;
    const port = this.#port;
    this.#port = undefined;
    await port?.stop();
  }

  #startProcess(configuration: Configuration): void {
    this.#run += 1;
    const run = this.#run;
    this.#listeningSince = null;
    if (this.#state.condition === null) this.#become(state('starting', `${AGENTID_SERVICE} starts`));
    try {
      this.#port = this.#parts.start(configuration, {
        report: (report) => {
          if (run === this.#run) this.#reported(report, configuration);
        },
        ended: (reason) => {
          if (run === this.#run) this.#ended(reason, configuration);
        },
      });
    } catch (error) {
      // The system is out of something: that passes.
      this.#ended(error instanceof Error ? error.message : String(error), configuration);
    }
  }

  #reported(report: Report, configuration: Configuration): void {
    if (report.kind === 'listening') {
      this.#listeningSince = this.#parts.clock.now();
      const { ports } = report;
      this.#become(state('listening', listeningReason(report, configuration), { ports }));
    } else if (report.kind === 'no port') {
      this.#inARow = 0;
      const reason = `none of the ports ${portsText(report.taken)} is free`;
      this.#restartIn(
        PORTS_AGAIN_MS,
        reason,
        configuration,
        'free one of them, or add others in the profile',
      );
    } else {
      this.#ended(report.reason, configuration);
    }
  }

  #ended(why: string, configuration: Configuration): void {
    const since = this.#listeningSince;
    const settled = since !== null && this.#parts.clock.now() - since >= SETTLED_MS;
    this.#inARow = settled ? 1 : this.#inARow + 1;
    const pause = Math.min(RESTART_CAP_MS, RESTART_FIRST_MS * 2 ** (this.#inARow - 1));
    const reason = `${AGENTID_SERVICE} ended: ${why}`;
    this.#restartIn(pause, reason, configuration, 'it is started again by itself');
  }

  #restartIn(ms: number, reason: string, configuration: Configuration, step: string): void {
    // Whatever this process still says, its end above all, is part of what was just told.
    this.#run += 1;
    const ending = this.#port;
    this.#port = undefined;
    void ending?.stop();
    const at = this.#parts.clock.now() + ms;
    this.#cancelRestart = this.#parts.clock.at(at, () => {
      this.#startProcess(configuration);
    });
    this.#become(
      state('no port', reason, { condition: { reason, next: `${step}; next attempt ${toInstant(at)}` } }),
    );
  }

  #become(next: ScanMergeState): void {
    const before = this.#state;
    if (JSON.stringify(before) === JSON.stringify(next)) return;
    this.#state = next;
    const line = `scan merge: ${next.state}: ${next.reason}`;
    // A failure that stays the same is told once, not with every attempt.
    if (next.condition === null) this.#parts.log.info(line);
    else if (next.reason !== before.reason) this.#parts.log.warn(line);
    this.#parts.onState(next);
  }
}

async function targetOf(wish: ScanMergeWish): Promise<Target> {
  if (!wish.enabled) return { rest: OFF };
  if (wish.correlationId === null) return { rest: state('off', 'no heartbeat has named the identifier yet') };
  const { onPremise, reason, malformed } = await isOnPremise(wish.onPremise, wish.place);
  if (!onPremise) {
    const condition = malformed ? { reason, next: 'correct it in the configuration profile' } : null;
    return { rest: state('not on premise', reason, { condition }) };
  }
  const { correlationId, ports, bindAll } = wish;
  return { run: { correlationId, ports: [...ports], bindAll } };
}

const sameRun = (a: Configuration, b: Configuration): boolean => JSON.stringify(a) === JSON.stringify(b);

type Listening = Extract<Report, { kind: 'listening' }>;

function listeningReason({ taken }: Listening, { bindAll }: Configuration): string {
  if (taken.length === 0) return bindAll ? 'every port of the list' : 'the lowest port of the list';
  return `${portsText(taken)} could not be used`;
}

/** `10001 (EADDRINUSE), 10002 (EADDRINUSE)`. */
const portsText = (taken: readonly Taken[]): string =>
  taken.map(({ port, code }) => `${String(port)} (${code})`).join(', ');
