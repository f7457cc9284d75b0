import type { Task } from '../../../shared/manifest.ts';
import type { FromSensor } from '../../../shared/sensor.ts';
import type { Examination, ToLedger } from '../../fim/ledger/messages.ts';
import type { SteppedTimers } from '../../testing/timers.ts';
import { Sensor, type SensorOptions } from '../session.ts';

/** Has what was promised happen. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

interface Run extends Pick<
  SensorOptions,
  'os' | 'openProcesses' | 'fileSources' | 'canaryPath' | 'touchCanary'
> {
  readonly timers: SteppedTimers;
  /** Directories of the agent. */
  readonly own: readonly string[];
}

/** The real sensor on sources of a test, at a clock that it steps; the core and the ledger are the test's. */
export async function runSensor({ timers, own, ...sources }: Run) {
  const sent: FromSensor[] = [];
  const posted: ToLedger[] = [];
  let receive: (message: unknown) => void = () => undefined;
  const sensor = new Sensor({
    ...sources,
    port: {
      send: (message) => void sent.push(message),
      onMessage: (receiver) => (receive = receiver),
      onClose: () => undefined,
    },
    pid: 4_242,
    now: timers.now,
    startTimer: timers.start,
    rssBytes: () => 1,
    openLedger: ({ message: tell }) => ({
      post: (message) => {
        if (message.kind === 'ping') tell({ kind: 'pong' });
        else posted.push(message);
      },
      stop: () => Promise.resolve(),
    }),
    realPath: ({ path }) => path,
    onEnd: () => undefined,
  });
  await sensor.start();
  const of = <K extends ToLedger['kind']>(kind: K) =>
    posted.filter((message): message is Extract<ToLedger, { kind: K }> => message.kind === kind);
  return {
    ...{ sensor, posted, of },
    pass: async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 500) {
        timers.pass(Math.min(500, left));
        await settle();
      }
    },
    watch: async (fim: readonly Task[] | null, edr: readonly Task[] | null = null): Promise<void> => {
      receive({
        kind: 'watch',
        fim: fim === null ? null : { tasks: [...fim], rescanHours: 24 },
        edr: edr === null ? null : { tasks: [...edr] },
        own: [...own],
        sharePct: 50,
      });
      await settle();
    },
    logs: () => sent.flatMap((message) => (message.kind === 'log' ? [message.message] : [])),
    examined: (): Examination[] => of('examine').flatMap(({ items }) => items),
    appended: () => of('append').flatMap(({ events }) => events),
    state: () => sent.findLast((message) => message.kind === 'state')?.state,
  };
}
