import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatusRequest } from '../../shared/wire.ts';
import { StoreError } from '../queue/store-error.ts';
import { soundState } from './testing/fake-sensor.ts';
import { MINUTE, Rig } from './testing/rig.ts';

describe('watching files and processes', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
    rig.platform.modules = ['AI', 'FIM', 'EDR'];
    rig.platform.profile = { ...rig.platform.profile, fimEnabled: true, fimRescanHours: 12 };
    rig.platform.tasks = [{ id: 'etc', table: 'deb', params: {} }];
  });
  afterEach(() => rig.dispose());

  const checkIn = (): Promise<void> => rig.pass(15 * MINUTE);
  const { fim: anyFim } = soundState;

  it('R206 R207 begins with the rules of the manifest where module and profile have it on', async () => {
    await rig.start();
    expect(rig.sensor.started).toBe(1);
    expect(rig.sensor.watching).toMatchObject({
      fim: { tasks: rig.platform.tasks, rescanHours: 12 },
      edr: null,
      sharePct: 10,
    });
    expect(rig.sensor.watching?.own).toContain(rig.paths.dataDir);
  });

  it('R202 R203 R207 starts, changes and ends with the switches of the profile', async () => {
    rig.platform.profile = { ...rig.platform.profile, fimEnabled: false };
    await rig.start();
    expect(rig.sensor.started).toBe(0);
    rig.changeProfile({ edrEnabled: true });
    await checkIn();
    expect(rig.sensor.watching).toMatchObject({ fim: null, edr: { tasks: rig.platform.tasks } });
    rig.changeProfile({ fimEnabled: true });
    await checkIn();
    expect(rig.sensor).toMatchObject({ started: 1, running: 1 });
    expect(rig.sensor.watching).toMatchObject({ fim: { rescanHours: 12 }, edr: {} });
    rig.changeProfile({ fimEnabled: false, edrEnabled: false });
    await checkIn();
    expect(rig.sensor).toMatchObject({ started: 1, running: 0 });
    expect(rig.sensor.of('stop')).toHaveLength(1);
    expect(rig.status.sensor).toMatchObject({ state: 'off', pid: null });
    rig.changeProfile({ fimEnabled: true });
    await checkIn();
    expect(rig.sensor).toMatchObject({ started: 2, running: 1 });
  });

  it('R205 tells the platform once of what its processes lost, each of which counts anew', async () => {
    await rig.start();
    const lose = (overflows: number, lost: number): void => {
      const fim = anyFim === null ? null : { ...anyFim, overflows };
      const edr = { method: 'process connector' as const, eventsLastHour: 0, lost };
      rig.sensor.say({ kind: 'state', state: { ...soundState, fim, edr } });
    };
    const told = () =>
      rig.platform
        .of('heartbeat')
        .map(({ body }) => (body as StatusRequest).drops ?? {})
        .filter((drops) => Object.keys(drops).length > 0);
    lose(1, 5);
    lose(1, 7);
    await checkIn();
    expect(told()).toEqual([{ fimLost: 1, edrLost: 7 }]);
    await checkIn();
    expect(told()).toHaveLength(1);
    rig.sensor.die();
    await rig.pass(MINUTE);
    lose(2, 7);
    await checkIn();
    expect(told()).toEqual([
      { fimLost: 1, edrLost: 7 },
      { fimLost: 2, edrLost: 7 },
    ]);
  });

  it('R207 needs the module as well as the switch, and ends with it', async () => {
    rig.platform.modules = ['AI', 'EDR'];
    await rig.start();
    expect(rig.sensor.started).toBe(0);
    rig.platform.modules = ['AI', 'FIM'];
    await checkIn();
    expect(rig.sensor.running).toBe(1);
    rig.platform.modules = ['AI'];
    await checkIn();
    expect(rig.sensor.running).toBe(0);
  });

  it('R210 fetches manifests of both and tells the platform their versions, but scans nothing of them', async () => {
    rig.platform.profile = { ...rig.platform.profile, edrEnabled: true };
    await rig.start();
    await checkIn();
    const beat = rig.platform.of('heartbeat').at(-1)?.body as { manifestVersions: object; types: object };
    expect(beat.manifestVersions).toEqual({ Inventory: 1, FIM: 1, EDR: 1 });
    expect(Object.keys(beat.types)).toEqual(['Inventory']);
    await rig.pass(48 * 60 * MINUTE);
    expect([...new Set(rig.collector.collections.map(({ type }) => type))]).toEqual(['Inventory']);
    expect(rig.core.requestCycle({ types: ['FIM'] }).refused).toEqual({ FIM: 'NO_SCAN' });
    rig.collector.configurationChanged(['FIM', 'EDR']);
    await rig.settle();
    expect(rig.events.filter(({ name }) => name === 'changed')).toEqual([]);
    expect(rig.status.types.FIM).toMatchObject({ manifestVersion: 1, nextDueAt: null });
    expect(rig.status.phase).toBe('up to date');
  });

  it('is told again after the sensor ended, which is started at growing intervals', async () => {
    await rig.start();
    const pauses: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const died = rig.clock.now();
      rig.sensor.die('SIGSEGV');
      await rig.settle();
      expect(rig.conditions).toContain('SENSOR_DOWN');
      expect(rig.status.sensor.state).toBe('down');
      while (rig.sensor.started < n + 2) await rig.pass(100);
      pauses.push(rig.clock.now() - died);
    }
    expect(pauses).toEqual([1000, 2000, 4000]);
    expect(rig.conditions).not.toContain('SENSOR_DOWN');
    expect(rig.sensor.of('watch')).toHaveLength(4);
    expect(rig.status.sensor).toMatchObject({ state: 'running', restarts: 3 });
  });

  it('counts a sensor that lasted as one that can run: the next pause is short again', async () => {
    await rig.start();
    rig.sensor.die();
    await rig.pass(1_000);
    await rig.pass(2 * MINUTE);
    rig.sensor.die();
    await rig.pass(1_000);
    expect(rig.sensor.started).toBe(3);
  });

  it('ends a sensor that says nothing any more, and one that has too much memory', async () => {
    rig.sensor.breathes = false;
    await rig.start();
    for (let n = 0; n < 10; n += 1) {
      await rig.pass(10_000);
      rig.sensor.say({ kind: 'alive', rssBytes: 100 * 1024 * 1024 });
    }
    expect(rig.sensor.stopped).toBe(0);
    await rig.pass(60_000);
    expect(rig.sensor.stopped).toBe(1);
    expect(rig.lines.join('\n')).toContain('sensor ended: said nothing for too long');
    await rig.pass(5_000);
    rig.sensor.say({ kind: 'alive', rssBytes: 300 * 1024 * 1024 });
    await rig.settle();
    expect(rig.sensor.stopped).toBe(2);
    expect(rig.lines.join('\n')).toContain('it had 300 MB of memory');
  });

  it('says what is wrong as long as the sensor does, with what to do', async () => {
    await rig.start();
    const problems = [
      { code: 'FIM_INCOMPLETE', text: '/srv is not there.' },
      { code: 'FIM_INCOMPLETE', text: '/root/x can not be read.' },
      { code: 'FIM_NO_ACTOR', text: 'the agent does not run as root.' },
    ] as const;
    rig.sensor.say({ kind: 'state', state: { ...soundState, problems: [...problems] } });
    await rig.settle();
    const text = (code: string): string | undefined =>
      rig.status.conditions.find((condition) => condition.code === code)?.text;
    expect(text('FIM_INCOMPLETE')).toMatch(
      /^\/srv is not there; \/root\/x can not be read\. wayfarerctl status lists/,
    );
    expect(rig.status.sensor.fim?.actorReason).toBe('the agent does not run as root.');
    rig.sensor.say({ kind: 'state', state: soundState });
    await rig.settle();
    expect(rig.conditions).toEqual([]);
  });

  it('shows rules, filesystems and counts, and of rules only those that are not watched', async () => {
    await rig.start();
    if (anyFim === null) throw new Error('the state has no FIM');
    const gone = { id: 'x', path: '/srv', state: 'absent', reason: 'not there yet' } as const;
    const state = { ...soundState, fim: { ...anyFim, rules: [...anyFim.rules, gone] } };
    rig.sensor.say({ kind: 'state', state });
    await rig.settle();
    expect(rig.status.sensor).toMatchObject({
      state: 'running',
      fim: { rules: 4, watching: 3, troubles: [gone], eventsLastHour: 4, actor: 'known', moreMounts: 0 },
      streams: { fim: { on: true, records: 0 }, edr: { on: false } },
    });
  });

  it('is off for good once the platform removed the agent', async () => {
    await rig.start();
    rig.sensor.report('fim', 3, rig.clock.now());
    rig.platform.command('UNINSTALL');
    await checkIn();
    await rig.pass(MINUTE);
    expect(rig.facts.uninstalled).toBe(true);
    expect(rig.sensor.running).toBe(0);
    expect(rig.status.sensor.streams.fim.records).toBe(0);
  });
});

describe('events of the sensor', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    rig.platform.modules = ['AI', 'FIM'];
    // What is queued stays for long enough to be looked at.
    rig.platform.profile = { ...rig.platform.profile, fimEnabled: true, fimPayloadThresholdSec: 1800 };
    await rig.start();
  });
  afterEach(() => rig.dispose());

  const queued = (): number => rig.status.sensor.streams.fim.records;
  /** The disk takes nothing until what this returns is called. */
  function fillDisk(): () => void {
    const { events } = rig.core.context.store;
    const enqueue = events.enqueue.bind(events);
    events.enqueue = (stream, records) => {
      if (stream !== 'fim') {
        enqueue(stream, records);
        return;
      }
      throw new StoreError('FULL', 'database or disk is full');
    };
    return () => {
      events.enqueue = enqueue;
    };
  }

  it('R205 are in the durable queue before the sensor hears that they were taken', async () => {
    rig.sensor.report('fim', 3, rig.clock.now());
    expect(rig.sensor.of('taken')).toEqual([
      { kind: 'taken', stream: 'fim', chain: rig.sensor.chain, upTo: 3 },
    ]);
    expect(queued()).toBe(3);
    await rig.kill();
    await rig.start();
    expect(queued()).toBe(3);
  });

  it('are queued once, though a sensor that was killed sends them again', () => {
    const at = rig.clock.now();
    const events = [{ id: 'e1', at, sequence: 1, body: '{}' }];
    for (let n = 0; n < 2; n += 1) rig.sensor.say({ kind: 'events', stream: 'fim', chain: 'c', events });
    expect(queued()).toBe(1);
    expect(rig.sensor.of('taken')).toHaveLength(2);
  });

  it('pause on a full disk, show it, and go on in their order once it takes them', async () => {
    const repair = fillDisk();
    rig.sensor.report('fim', 2, rig.clock.now());
    rig.sensor.report('fim', 1, rig.clock.now());
    expect(rig.sensor.of('pause')).toHaveLength(1);
    expect(rig.sensor.of('taken')).toEqual([]);
    await rig.pass(60_000);
    expect(rig.conditions).toEqual(['DISK_FULL']);
    expect(rig.sensor.of('resume')).toEqual([]);
    repair();
    await rig.pass(10_000);
    expect(rig.sensor.of('taken').map(({ upTo }) => upTo)).toEqual([2, 3]);
    expect(rig.sensor.of('resume')).toHaveLength(1);
    expect(queued()).toBe(3);
    expect(rig.conditions).toEqual([]);
  });

  it('that are too many to be held meanwhile are sent once more by a sensor that is started again', async () => {
    const repair = fillDisk();
    for (let n = 0; n < 4; n += 1) rig.sensor.report('fim', 100, rig.clock.now(), 60_000);
    repair();
    await rig.pass(10_000);
    expect(rig.sensor.of('resume')).toEqual([]);
    expect(rig.sensor.of('taken').at(-1)?.upTo).toBe(200);
    expect(rig.sensor).toMatchObject({ started: 2, running: 1 });
    expect(rig.status.sensor.state).toBe('running');
  });

  it('of a sensor that is gone are not taken from what was held: the next one sends them', async () => {
    const repair = fillDisk();
    rig.sensor.report('fim', 2, rig.clock.now());
    rig.sensor.die();
    repair();
    await rig.pass(20_000);
    expect(queued()).toBe(0);
    rig.sensor.report('fim', 1, rig.clock.now());
    expect(queued()).toBe(1);
    await rig.settle();
    expect(rig.conditions).toEqual([]);
  });

  it('are remembered for who looks at them on the host, the newest alone', () => {
    const heard: string[] = [];
    rig.core.hostEvents.watch('fim', (body) => heard.push(body));
    const ids = [...rig.sensor.report('fim', 400, rig.clock.now()), ...rig.sensor.report('fim', 300, 0)];
    const idOf = (body: string): string => (JSON.parse(body) as { event: { id: string } }).event.id;
    expect(rig.core.hostEvents.of('fim').map(idOf)).toEqual(ids.slice(200));
    expect(heard.map(idOf)).toEqual(ids);
    expect(rig.core.hostEvents.of('edr')).toEqual([]);
  });

  it('take a bounded part of the memory, whatever they say', () => {
    rig.sensor.report('fim', 100, rig.clock.now(), 60_000);
    const kept = rig.core.hostEvents.of('fim');
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.join('').length).toBeLessThanOrEqual(1024 * 1024);
  });
});
