import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exchange, request } from '../agentid/testing/client.ts';
import { freePorts, holdPort } from '../agentid/testing/ports.ts';
import { startAgentIdProcess } from './agentid-process.ts';
import type { Place } from './on-premise.ts';
import { ScanMerge, type ScanMergeState, type ScanMergeWish } from './scan-merge.ts';
import { FakeAgentId } from './testing/fake-agentid.ts';
import { FakeClock } from './testing/fake-clock.ts';

const ID = '0f8f2f3e-7a0e-4a52-9a3e-0f1b4a6b7c8d';
const OTHER_ID = 'b6a1d0ce-7d0b-4c39-8a55-3f6d1f0f5a11';

const home: Place = { addresses: [], gateways: ['192.168.1.1'], dnsSuffixes: [], hostName: 'laptop' };
const office: Place = { ...home, gateways: ['10.0.0.1'] };
const atOffice = { ipRange: '0.0.0.0/0', gateway: '10.0.0.1' };

const wish = (change: Partial<ScanMergeWish> = {}): ScanMergeWish => ({
  enabled: true,
  ports: [10001, 10002, 10003],
  bindAll: false,
  onPremise: { ipRange: '0.0.0.0/0' },
  place: office,
  correlationId: ID,
  ...change,
});

class Bench {
  readonly clock = new FakeClock();
  readonly fake = new FakeAgentId();
  readonly states: ScanMergeState[] = [];
  readonly logged: string[] = [];
  readonly scanMerge = new ScanMerge({
    start: this.fake.start,
    clock: this.clock,
    log: {
      info: (line) => this.logged.push(`info ${line}`),
      warn: (line) => this.logged.push(`warn ${line}`),
    },
    onState: (state) => this.states.push(state),
  });

  /** Updates and waits until everything that follows from it is done. */
  async update(change: Partial<ScanMergeWish> = {}): Promise<ScanMergeState> {
    this.scanMerge.update(wish(change));
    return this.settled();
  }

  async settled(): Promise<ScanMergeState> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.scanMerge.state;
  }

  async after(seconds: number): Promise<ScanMergeState> {
    this.clock.jumpTo(this.clock.now() + seconds * 1000);
    return this.settled();
  }
}

describe('scan merge', () => {
  it('R270 runs the endpoint exactly while the profile asks for it', async () => {
    const bench = new Bench();
    expect(await bench.update({ enabled: false })).toMatchObject({ state: 'off' });
    expect(bench.fake.started).toEqual([]);
    expect(await bench.update()).toMatchObject({ state: 'listening', ports: [10001] });
    expect(bench.fake.started).toEqual([{ correlationId: ID, ports: [10001, 10002, 10003], bindAll: false }]);
    expect(await bench.update({ enabled: false })).toMatchObject({ state: 'off', ports: [] });
    expect(bench.fake.alive.size).toBe(0);
    expect(bench.states.map(({ state }) => state)).toEqual(['starting', 'listening', 'off']);
  });

  it('R275 follows the network: on the premises it runs, elsewhere it does not', async () => {
    const bench = new Bench();
    const at = (place: Place) => bench.update({ onPremise: atOffice, place });
    expect(await at(home)).toMatchObject({
      state: 'not on premise',
      reason: '10.0.0.1 is not the gateway',
      condition: null,
    });
    expect(bench.fake.started).toEqual([]);
    expect((await at(office)).state).toBe('listening');
    expect((await at(home)).state).toBe('not on premise');
    expect(bench.fake.alive.size).toBe(0);
    expect((await at(office)).state).toBe('listening');
  });

  it('does not run without an identity to stand for', async () => {
    const bench = new Bench();
    expect(await bench.update({ correlationId: null })).toMatchObject({
      state: 'off',
      reason: 'no heartbeat has named the identifier yet',
    });
    expect(bench.fake.started).toEqual([]);
  });

  it('leaves a process alone that already serves what is asked for', async () => {
    const bench = new Bench();
    await bench.update();
    await bench.update({ place: { ...office, dnsSuffixes: ['example.com'] } });
    expect(bench.fake.started).toHaveLength(1);
  });

  it('R271 R273 starts another process for other ports, another mode or another identifier, never two at a time', async () => {
    const bench = new Bench();
    const changes = [{}, { ports: [9000] }, { ports: [9000], bindAll: true }, { correlationId: OTHER_ID }];
    for (const change of changes) {
      await bench.update(change);
      expect(bench.fake.alive.size).toBe(1);
    }
    expect(bench.fake.started).toHaveLength(4);
    expect(bench.fake.started[3]?.correlationId).toBe(OTHER_ID);
  });

  it('obeys the last of several wishes alone', async () => {
    const bench = new Bench();
    for (const port of [1, 2, 3]) bench.scanMerge.update(wish({ ports: [port] }));
    expect((await bench.settled()).ports).toEqual([3]);
    expect(bench.fake.started).toHaveLength(1);
  });

  it('names the field of a rule that is malformed, and keeps the identifier to itself', async () => {
    const bench = new Bench();
    const state = await bench.update({ onPremise: { ipRange: '10.0.0.0' } });
    expect(state).toMatchObject({ state: 'not on premise', ports: [] });
    expect(state.condition).toEqual({
      reason: 'On Premise Detection, ipRange: "10.0.0.0" is not a network such as 10.0.0.0/8',
      next: 'correct it in the configuration profile',
    });
    expect((await bench.update()).condition).toBeNull();
  });

  it('says which ports could not be used', async () => {
    const bench = new Bench();
    bench.fake.report = () => ({
      kind: 'listening',
      ports: [10002],
      taken: [{ port: 10001, code: 'EADDRINUSE' }],
    });
    expect(await bench.update()).toEqual({
      state: 'listening',
      ports: [10002],
      reason: '10001 (EADDRINUSE) could not be used',
      condition: null,
    });
  });

  it('R272 tries again after 60 s when no port was free, and tells it once', async () => {
    const bench = new Bench();
    bench.fake.report = () => ({ kind: 'no port', taken: [{ port: 10001, code: 'EADDRINUSE' }] });
    const state = await bench.update();
    expect(state).toMatchObject({ state: 'no port', reason: 'none of the ports 10001 (EADDRINUSE) is free' });
    expect(state.condition?.next).toBe(
      'free one of them, or add others in the profile; next attempt 2026-11-21T01:01:00.000Z',
    );
    await bench.after(59);
    expect(bench.fake.started).toHaveLength(1);
    await bench.after(1);
    expect(bench.fake.started).toHaveLength(2);
    await bench.after(60);
    expect(bench.fake.started).toHaveLength(3);
    expect(bench.logged.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    bench.fake.report = () => ({ kind: 'listening', ports: [10001], taken: [] });
    expect(await bench.after(60)).toMatchObject({ state: 'listening', condition: null });
  });

  it('starts a process that ended again, at growing pauses of at most a minute', async () => {
    const bench = new Bench();
    bench.fake.report = undefined;
    await bench.update();
    const pauses: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      bench.fake.die('SIGSEGV');
      expect(await bench.settled()).toMatchObject({
        state: 'no port',
        reason: 'agentid-service ended: SIGSEGV',
      });
      pauses.push(((bench.clock.nextAt ?? 0) - bench.clock.now()) / 1000);
      bench.clock.jumpTo(bench.clock.nextAt ?? 0);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(bench.logged.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  it('begins the pauses anew only after a process has listened for a minute', async () => {
    const bench = new Bench();
    const pause = async (): Promise<number> => {
      bench.fake.die();
      const next = bench.clock.nextAt ?? 0;
      const seconds = (next - bench.clock.now()) / 1000;
      bench.clock.jumpTo(next);
      await bench.settled();
      return seconds;
    };
    await bench.update();
    expect([await pause(), await pause(), await pause()]).toEqual([1, 2, 4]);
    await bench.after(60);
    expect(await pause()).toBe(1);
  });

  it('takes a report of failure, and a system without room for a process, for an end', async () => {
    const bench = new Bench();
    bench.fake.report = () => ({ kind: 'failed', reason: 'EPERM' });
    expect((await bench.update()).condition?.reason).toBe('agentid-service ended: EPERM');
    expect(bench.fake.alive.size).toBe(0);
    const states: ScanMergeState[] = [];
    const scanMerge = new ScanMerge({
      start: () => {
        throw new Error('ENOMEM');
      },
      clock: bench.clock,
      log: { info: () => undefined, warn: () => undefined },
      onState: (state) => states.push(state),
    });
    scanMerge.update(wish());
    await bench.settled();
    expect(states.at(-1)).toMatchObject({ state: 'no port', reason: 'agentid-service ended: ENOMEM' });
  });

  it('does not hear what processes say that were replaced or stopped', async () => {
    const bench = new Bench();
    await bench.update();
    await bench.update({ ports: [9000] });
    bench.fake.say({ kind: 'no port', taken: [] }, 1);
    bench.fake.die('late', 1);
    expect(await bench.settled()).toMatchObject({ state: 'listening', ports: [9000] });
    await bench.scanMerge.stop();
    bench.fake.die('late', 2);
    bench.scanMerge.update(wish());
    expect((await bench.settled()).state).toBe('off');
    expect(bench.clock.nextAt).toBeUndefined();
  });

  it('starts nothing after it was stopped, while it waited to start again', async () => {
    const bench = new Bench();
    await bench.update();
    bench.fake.die();
    await bench.scanMerge.stop();
    await bench.after(3600);
    expect(bench.fake.started).toHaveLength(1);
  });

  it('R270 R275 has a process at most when the last wish calls for one, whatever happens', async () => {
    const step = fc.oneof(
      fc.record({
        enabled: fc.boolean(),
        place: fc.constantFrom(home, office),
        ports: fc.constantFrom([1], [2]),
      }),
      fc.constantFrom('die' as const, 'wait' as const, 'settle' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const bench = new Bench();
        let last = wish({ enabled: false });
        for (const one of steps) {
          if (one === 'die') {
            if (bench.fake.alive.size > 0) bench.fake.die();
          } else if (one === 'wait') await bench.after(61);
          else if (one === 'settle') await bench.settled();
          else bench.scanMerge.update((last = wish({ ...one, onPremise: atOffice })));
          expect(bench.fake.alive.size).toBeLessThanOrEqual(1);
        }
        await bench.settled();
        await bench.after(61);
        const wanted = last.enabled && last.place === office;
        expect(bench.scanMerge.state.state === 'listening').toBe(wanted);
        expect(bench.fake.alive.size).toBe(wanted ? 1 : 0);
        if (wanted) expect(bench.scanMerge.state.ports).toEqual(last.ports);
      }),
      { numRuns: 50 },
    );
  });
});

describe('scan merge with the real process', () => {
  it('R270 R272 R275 answers on the premises, nowhere else, and moves on when a port is taken', async () => {
    const clock = new FakeClock();
    const states: ScanMergeState[] = [];
    const scanMerge = new ScanMerge({
      start: startAgentIdProcess(fileURLToPath(new URL('../agentid.ts', import.meta.url))),
      clock,
      log: { info: () => undefined, warn: () => undefined },
      onState: (state) => states.push(state),
    });
    onTestFinished(() => scanMerge.stop());
    const ports = await freePorts(2);
    const [low = 0, high = 0] = ports;
    const becomes = (state: string) =>
      expect.poll(() => scanMerge.state.state, { timeout: 15_000 }).toBe(state);
    const ask = async (port: number) => (await exchange(port, request('127.0.0.1'))).text;

    scanMerge.update(wish({ ports, onPremise: atOffice }));
    await becomes('listening');
    expect(await ask(low)).toContain(ID);
    scanMerge.update(wish({ ports, onPremise: atOffice, place: home }));
    await becomes('not on premise');
    expect(await ask(low)).toBe('');

    const held = await holdPort(low);
    scanMerge.update(wish({ ports }));
    await becomes('listening');
    expect(scanMerge.state.ports).toEqual([high]);
    scanMerge.update(wish({ ports: [low] }));
    await becomes('no port');
    await held.release();
    clock.jumpTo(clock.now() + 60_000);
    await becomes('listening');
    expect(await ask(low)).toContain(ID);
  });
});
