import { describe, expect, it } from 'vitest';
import { MANIFEST_LIMITS } from '../../shared/manifest.ts';
import { SensorState, type MountState, type RuleState } from '../../shared/sensor.ts';
import type { FileWatchState } from './file-watch.ts';
import { sensorState, type SensorFacts } from './sensor-state.ts';

const FILES: FileWatchState = {
  provider: 'fanotify',
  idle: false,
  actors: 'known',
  noActors: undefined,
  mounts: [],
  canarySeenAt: 0,
  overflows: 0,
  silent: false,
  trouble: undefined,
};
const LONG = 'x'.repeat(5_000);

function state(files: Partial<FileWatchState>, more: Partial<SensorFacts> = {}): SensorState {
  const facts: SensorFacts = {
    fimOn: true,
    edrOn: true,
    rules: [],
    files: { ...FILES, ...files },
    processes: { state: () => ({ method: 'process connector', lost: 0 }), problems: () => [] },
    baseline: undefined,
    stopped: '',
    overflowAt: undefined,
    refusedTasks: [],
    ...more,
  };
  return sensorState(facts, 0);
}

const mount = (point: string, more: Partial<MountState> = {}): MountState => ({
  mount: point,
  filesystem: 'ext4',
  method: 'filesystem mark',
  ...more,
});
const incomplete = ({ problems }: SensorState): string | undefined =>
  problems.find(({ code }) => code === 'FIM_INCOMPLETE')?.text;

describe('the state of the sensor', () => {
  it('is one that the core takes, however much there is to say', () => {
    const rules = Array.from({ length: MANIFEST_LIMITS.tasks + 1 }, (_, at): RuleState => {
      return { id: `rule-${at}`, path: `/${LONG}`, state: 'unreadable', reason: LONG };
    });
    const mounts = Array.from({ length: 3_000 }, (_, at) =>
      mount(`/tmp/${at}`, { filesystem: 'fuse.bindfs', method: 'rescan only', note: LONG }),
    );
    const full = state(
      { mounts, trouble: LONG, noActors: LONG, actors: 'unknown', silent: true, canarySeenAt: 1e20 },
      {
        rules,
        stopped: LONG,
        overflowAt: 0,
        refusedTasks: rules.map(() => LONG),
        processes: {
          state: () => ({ method: '/proc polling', lost: 1 }),
          problems: () => rules.map(() => ({ code: 'EDR_INCOMPLETE', text: LONG })),
        },
        baseline: {
          kind: 'baseline',
          state: 'complete',
          entries: 1,
          completedAt: 8.64e15,
          nextRescanAt: 9e15,
          spooled: 1,
          eventsLastHour: { fim: 1, edr: 1 },
          unreadable: { count: 1_000, path: LONG, reason: 'EACCES' },
        },
      },
    );
    const parsed = SensorState.safeParse(full);
    expect(parsed.error?.issues ?? []).toEqual([]);
  });

  it('names mounts in trouble first where there are more than fit, and says how many are left out', () => {
    const mounts = [
      ...Array.from({ length: 1_200 }, (_, at) => mount(`/good/${at}`)),
      mount('/bad', { filesystem: 'nfs4', method: 'rescan only', note: 'a server' }),
    ];
    const shown = state({ mounts }).fim?.mounts ?? [];
    expect(shown).toHaveLength(1_000);
    expect(shown[0]?.mount).toBe('/bad');
    expect(shown.at(-1)?.note).toBe('201 more mounts are not listed');
  });

  it('is incomplete by a mount that is only walked, and not by one that shows the kernel', () => {
    const kernel = mount('/proc', { filesystem: 'proc', method: 'none', note: 'a filesystem of the kernel' });
    expect(incomplete(state({ mounts: [mount('/'), kernel] }))).toBeUndefined();
    const server = mount('/srv', { filesystem: 'nfs4', method: 'rescan only', note: 'a server' });
    expect(incomplete(state({ mounts: [mount('/'), kernel, server] }))).toBe('/srv: a server');
  });

  it('does not say of lost events that the rules were walked before they are', () => {
    const { problems } = state({}, { overflowAt: 0 });
    expect(problems).toEqual([
      { code: 'FIM_OVERFLOW', text: 'events were lost at 1970-01-01T00:00:00.000Z' },
    ]);
  });
});
