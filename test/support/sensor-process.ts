import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { FRUGAL_ARGV } from '../../src/main/host/frugal-runtime.ts';
import { EdrEvent, FimEvent, type EventStream } from '../../src/shared/host-events.ts';
import type { Task } from '../../src/shared/manifest.ts';
import { FromSensor, type SensorState, type SpooledEvent, type ToSensor } from '../../src/shared/sensor.ts';
import { chainFault, CHAIN_START, headOf, type ChainHead } from '../../src/wire/event-chain.ts';
import { CLONE } from './run.ts';
import { until } from './until.ts';

const ENTRY = join(CLONE, 'src/collector/sensor.ts');

export interface SensorOptions {
  /** Where it keeps its ledger; given again after a kill. */
  readonly dataDir: string;
  readonly fim?: readonly Task[];
  readonly edr?: readonly Task[];
  readonly rescanHours?: number;
  /** Instead of root. */
  readonly uid?: number;
  /** Keeps events before they are answered; without it they are only held in memory. */
  readonly keep?: (stream: EventStream, events: readonly SpooledEvent[]) => void;
}

/**
 * The sensor as its own process, with the test in the place of the agent core: it takes every event, checks the chain and
 * answers as the queue would.
 */
export class SensorProcess {
  readonly #child: ChildProcess;
  readonly #heads = new Map<string, ChainHead>();
  readonly fim: FimEvent[] = [];
  readonly edr: EdrEvent[] = [];
  /** When each event came, ms since the epoch, in the order of `fim`. */
  readonly arrived: number[] = [];
  readonly logged: string[] = [];
  readonly faults: string[] = [];
  state: SensorState | undefined;
  readonly exited: Promise<number | null>;
  /** Called for every event as it comes. */
  onEvent: (() => void) | undefined;

  readonly #keep: SensorOptions['keep'];

  private constructor({ dataDir, uid, keep }: SensorOptions) {
    this.#keep = keep;
    this.#child = fork(ENTRY, [dataDir], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      // As the agent starts it.
      execArgv: [...FRUGAL_ARGV, '--no-warnings'],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    this.#child.on('message', (raw) => {
      this.#receive(FromSensor.parse(raw));
    });
    this.exited = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  /** Starts one and waits until it watches: the first baseline is complete. */
  static async start(options: SensorOptions): Promise<SensorProcess> {
    const sensor = new SensorProcess(options);
    sensor.watch(options);
    if (options.fim !== undefined) await sensor.baseline();
    else await until('the sensor says how it stands', () => sensor.state);
    return sensor;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  watch({ dataDir, fim, edr, rescanHours = 24 }: SensorOptions): void {
    this.send({
      kind: 'watch',
      fim: fim === undefined ? null : { tasks: [...fim], rescanHours },
      edr: edr === undefined ? null : { tasks: [...edr] },
      own: [dataDir],
      sharePct: 100,
    });
  }

  send(message: ToSensor): void {
    // One that was just killed counts as connected until its end is heard.
    this.#child.send(message, () => undefined);
  }

  /** Waits until the walk over the rules is complete. */
  async baseline(): Promise<void> {
    await until('the baseline is complete', () => {
      if (this.#child.exitCode !== null) throw new Error(`the sensor ended: ${this.logged.join('\n')}`);
      return this.state?.fim?.baseline.state === 'complete' ? true : undefined;
    });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.send({ kind: 'stop' });
    await this.exited;
  }

  #receive(message: FromSensor): void {
    if (message.kind === 'state') this.state = message.state;
    else if (message.kind === 'log') this.logged.push(`${message.level}: ${message.message}`);
    else if (message.kind === 'events') this.#take(message);
  }

  #take({ stream, chain, events }: Extract<FromSensor, { kind: 'events' }>): void {
    this.#keep?.(stream, events);
    const now = Date.now();
    for (const { body, sequence } of events) {
      const head = this.#heads.get(chain);
      if (head !== undefined && sequence <= head.sequence) continue;
      const event = stream === 'fim' ? FimEvent.parse(JSON.parse(body)) : EdrEvent.parse(JSON.parse(body));
      const before = head ?? { id: chain, sequence: sequence - 1, hash: event.wayfarer.chain.previous };
      const fault = chainFault(event, sequence === 1 ? { ...before, hash: CHAIN_START } : before);
      if (fault !== undefined) this.faults.push(`${stream} ${sequence}: ${fault}`);
      this.#heads.set(chain, headOf(event));
      if (event.event.module === 'fim') {
        this.fim.push(event as FimEvent);
        this.arrived.push(now);
      } else this.edr.push(event as EdrEvent);
    }
    const upTo = events.at(-1)?.sequence ?? 1;
    if (this.#child.connected) this.send({ kind: 'taken', stream, chain, upTo });
    this.onEvent?.();
  }
}
