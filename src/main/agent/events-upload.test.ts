import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Profile } from '../../shared/profile.ts';
import type { OpenUploadRequest, StatusRequest } from '../../shared/wire.ts';
import { StoreError } from '../queue/store-error.ts';
import { lost, refusal, type Call } from './testing/fake-platform.ts';
import { MINUTE, Rig } from './testing/rig.ts';

describe('events on their way to the platform', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
    rig.platform.modules = ['AI', 'FIM', 'EDR'];
  });
  afterEach(() => rig.dispose());

  async function start(profile: Partial<Profile> = {}): Promise<void> {
    const on = { fimEnabled: true, edrEnabled: true, fimPayloadThresholdSec: 30, edrPayloadThresholdSec: 60 };
    rig.platform.profile = { ...rig.platform.profile, ...on, ...profile };
    await rig.start();
  }
  const report = (count: number, bytes?: number, stream: 'fim' | 'edr' = 'fim'): string[] =>
    rig.sensor.report(stream, count, rig.clock.now(), bytes);
  const arrived = (): string[] => rig.platform.shelf.ids.fim;
  const opened = (): { at: number; body: OpenUploadRequest }[] =>
    rig.platform
      .of('openUpload')
      .map(({ at, body }) => ({ at, body: body as OpenUploadRequest }))
      .filter(({ body }) => body.kind === 'fim' || body.kind === 'edr');
  const queued = (): number => rig.status.sensor.streams.fim.records;
  /** Events whose bodies hardly compress: each about so many KB in hexadecimal. */
  function reportNoise(count: number, kilobytes: number): string[] {
    const at = rig.clock.now();
    const noise = Array.from({ length: count }, (_, n) => ({
      id: randomBytes(16).toString('hex'),
      at,
      sequence: n + 1,
      body: '',
    })).map((event) => {
      const pad = randomBytes(kilobytes * 512).toString('hex');
      return { ...event, body: JSON.stringify({ event: { id: event.id }, pad }) };
    });
    rig.sensor.say({ kind: 'events', stream: 'fim', chain: rig.sensor.chain, events: noise });
    return noise.map(({ id }) => id);
  }

  it('R202 R204 R205 leave once the oldest has waited as long as the profile says, and not before', async () => {
    await start({ fimPayloadThresholdSec: 45 });
    const ids = report(2);
    await rig.pass(44_000);
    expect(arrived()).toEqual([]);
    ids.push(...report(1));
    await rig.pass(1_000);
    expect(arrived()).toEqual(ids);
    expect(rig.platform.shelf.payloads).toEqual([3]);
    expect(queued()).toBe(0);
    expect(rig.facts.streams.fim).toMatchObject({ bytes: 0, waitingSince: null, payload: null });
    expect(rig.status.types.FIM?.uploadedAt).not.toBeNull();
  });

  it('R203 R204 wait by the threshold of their own stream', async () => {
    await start();
    report(1);
    report(1, 10, 'edr');
    await rig.pass(30_000);
    expect([arrived().length, rig.platform.shelf.ids.edr.length]).toEqual([1, 0]);
    await rig.pass(30_000);
    expect(rig.platform.shelf.ids.edr).toHaveLength(1);
    expect(opened().map(({ body }) => body.kind)).toEqual(['fim', 'edr']);
  });

  it('R202 R205 leave at once when as much is queued as a payload holds, which holds no more', async () => {
    await start({ fimPayloadKb: 10, deltaUploadIntervalSec: 10 });
    const ids = report(30, 400);
    await rig.settle();
    expect(rig.platform.shelf.payloads).toHaveLength(1);
    expect(rig.platform.shelf.payloads[0]).toBeGreaterThan(5);
    expect(rig.platform.shelf.payloads[0]).toBeLessThan(20);
    await rig.pass(2 * MINUTE);
    expect(arrived()).toEqual(ids);
    const starts = opened().map(({ at }) => at);
    for (const [n, at] of starts.slice(1).entries()) expect(at - starts[n]!).toBeGreaterThanOrEqual(10_000);
  });

  it('R142 R144 go in chunks that start a delta upload interval apart', async () => {
    await start({ chunkSizeKb: 64, deltaUploadIntervalSec: 10 });
    const before = rig.platform.of('putChunk').length;
    reportNoise(10, 60);
    await rig.pass(5 * MINUTE);
    expect(arrived()).toHaveLength(10);
    const times = rig.platform.of('putChunk').slice(before);
    expect(times.length).toBeGreaterThan(3);
    for (const [n, { at }] of times.slice(1).entries()) expect(at - times[n]!.at).toBe(10_000);
  });

  it('R205 that do not fit on the disk are counted in a gap in their place, and in the heartbeat', async () => {
    await start({ fimMaxDiskMb: 10, fimPayloadKb: 10_240, fimPayloadThresholdSec: 1800 });
    for (let n = 0; n < 6; n += 1) report(40, 60_000);
    expect(rig.conditions).toContain('EVENTS_DROPPED');
    const { bytes, limitBytes, dropped } = rig.status.sensor.streams.fim;
    expect(bytes).toBeLessThanOrEqual(limitBytes);
    expect(dropped).toBeGreaterThan(50);
    await rig.pass(30 * MINUTE);
    const gaps = [...rig.platform.shelf.gaps.values()];
    expect(gaps).toMatchObject([{ stream: 'fim', count: dropped }]);
    expect(arrived()).toHaveLength(240 - dropped);
    const drops = rig.platform.of('heartbeat').map(({ body }) => (body as StatusRequest).drops);
    expect(drops.filter((drop) => drop?.['fim'] !== undefined)).toEqual([{ fim: dropped }]);
    expect(rig.conditions).not.toContain('EVENTS_DROPPED');
  });

  it.each(['openUpload', 'putChunk', 'uploadState', 'commit'] as const)(
    'R205 arrive once when answers to %s are lost, the first time after the platform did it',
    async (call: Call) => {
      await start();
      const ids = report(5);
      rig.platform.twist(call, { lose: true }, { fail: lost }, { fail: refusal(503, 'BUSY', 30) });
      if (call === 'uploadState') rig.platform.twist('putChunk', { lose: true });
      await rig.pass(40 * MINUTE);
      expect(arrived()).toEqual(ids);
      expect(queued()).toBe(0);
    },
  );

  it('are not sent again after a kill between the commit and its acknowledgement', async () => {
    await start();
    const ids = report(5);
    rig.platform.twist('commit', { lose: true });
    await rig.pass(30_000);
    expect(arrived()).toEqual(ids);
    expect(queued()).toBe(5);
    await rig.kill();
    await rig.start();
    ids.push(...report(1));
    await rig.pass(40 * MINUTE);
    expect(arrived()).toEqual(ids);
    expect(opened()).toHaveLength(2);
    expect(queued()).toBe(0);
  });

  it('leave after a kill as the same body under the same key, though more were queued meanwhile', async () => {
    await start();
    report(5);
    rig.platform.twist('openUpload', { lose: true });
    await rig.pass(30_000);
    const key = rig.facts.streams.fim.payload?.terms.idempotencyKey;
    expect(key).toBeDefined();
    report(3);
    await rig.kill();
    await rig.begin();
    expect(rig.facts.streams.fim.payload?.terms.idempotencyKey).toBe(key);
    await rig.pass(40 * MINUTE);
    const [first, again] = opened();
    expect(again?.body).toEqual(first?.body);
    expect(rig.platform.shelf.payloads).toEqual([5, 3]);
  });

  it('that were acknowledged when the agent was killed leave no payload behind', async () => {
    await start();
    report(5);
    rig.platform.twist('commit', { fail: lost });
    await rig.pass(30_000);
    const { upTo } = rig.facts.streams.fim.payload!.terms;
    rig.core.context.store.events.acknowledge('fim', upTo);
    await rig.kill();
    await rig.start();
    await rig.pass(20 * MINUTE);
    expect(rig.facts.streams.fim.payload).toBeNull();
    const ids = report(1);
    await rig.pass(MINUTE);
    expect(arrived()).toEqual(ids);
  });

  it('of which one can not be taken lose that one alone, whatever payload it was in', async () => {
    await start();
    const ids = report(23);
    const bad = ids[7] ?? '';
    rig.platform.shelf.refuses.add(bad);
    await rig.pass(10 * MINUTE);
    expect(arrived()).toEqual(ids.filter((id) => id !== bad));
    expect(queued()).toBe(0);
    expect(rig.status.sensor.streams.fim.refused).toBe(1);
    const uploads = opened().length;
    const more = report(20);
    await rig.pass(MINUTE);
    expect(arrived().slice(22)).toEqual(more);
    expect(opened().length).toBeLessThanOrEqual(uploads + 2);
  });

  it('of which all are refused are dropped one by one, counted and said; later ones go on', async () => {
    await start({ deltaUploadIntervalSec: 10 });
    for (const id of report(4)) rig.platform.shelf.refuses.add(id);
    await rig.pass(30_000);
    // One at a time from now on: a platform that refuses everything is not asked faster than a delta upload interval.
    expect(queued()).toBe(3);
    const before = opened().length;
    await rig.pass(30_000);
    expect(queued()).toBe(0);
    expect(opened()).toHaveLength(before + 3);
    expect(rig.status.sensor.streams.fim.refused).toBe(4);
    expect(rig.status.conditions).toMatchObject([
      { code: 'EVENTS_REFUSED', text: expect.stringContaining('refused 4 FIM events') as string },
    ]);
    const ids = report(1);
    await rig.pass(30_000);
    expect(arrived()).toEqual(ids);
    expect(rig.conditions).toEqual([]);
    await rig.kill();
    await rig.start();
    expect(rig.status.sensor.streams.fim.refused).toBe(4);
  });

  it('end with their module, and what is queued of them goes', async () => {
    await start();
    report(4);
    report(2, 10, 'edr');
    rig.platform.twist('openUpload', { fail: refusal(403, 'MODULE_NOT_ACTIVE') });
    rig.platform.modules = ['AI', 'EDR'];
    await rig.pass(30_000);
    expect(queued()).toBe(0);
    expect(rig.sensor.watching).toMatchObject({ fim: null, edr: {} });
    await rig.pass(20 * MINUTE);
    expect(arrived()).toEqual([]);
    expect(rig.platform.shelf.ids.edr).toHaveLength(2);
  });

  it('are cut smaller after 413, and then go as smaller payloads, until one alone is refused', async () => {
    await start({ chunkSizeKb: 256 });
    const ids = report(4, 10);
    const tooLarge = { fail: refusal(413, 'TOO_LARGE') };
    rig.platform.twist('openUpload', tooLarge, tooLarge);
    await rig.pass(10 * MINUTE);
    expect(opened().map(({ body }) => body.chunkBytes / 1024)).toEqual([256, 64, 256, 256]);
    expect(rig.platform.shelf.payloads).toEqual([2, 2]);
    expect(arrived()).toEqual(ids);
    report(1);
    rig.platform.twist('openUpload', tooLarge, tooLarge);
    await rig.pass(10 * MINUTE);
    expect(rig.conditions).toEqual(['EVENTS_REFUSED']);
  });

  it('are opened anew after the platform forgot the upload, and the ids tell them apart', async () => {
    await start();
    const ids = report(3);
    rig.platform.twist('commit', { fail: refusal(404, 'UPLOAD_UNKNOWN') });
    await rig.pass(5 * MINUTE);
    expect(arrived()).toEqual(ids);
    expect(opened()).toHaveLength(2);
  });

  it('make the agent leave when the platform removed it meanwhile', async () => {
    await start();
    report(3);
    rig.platform.twist('openUpload', { fail: refusal(410, 'AGENT_UNINSTALLED') });
    await rig.pass(MINUTE);
    expect(rig.facts.uninstalled).toBe(true);
  });

  it('go under the new Host ID after a clone was told apart', async () => {
    await start();
    const ids = report(3);
    rig.platform.twist('openUpload', { fail: lost });
    await rig.pass(30_000);
    expect(rig.facts.streams.fim.payload).not.toBeNull();
    const before = rig.core.context.identity.registration?.hostId;
    rig.platform.command('REPROVISION');
    await rig.pass(40 * MINUTE);
    expect(rig.core.context.identity.registration?.hostId).not.toBe(before);
    expect(arrived()).toEqual(ids);
  });

  it('R153 never leave in a blackout, nor in a reduced-activity period of theirs', async () => {
    const window = { days: [1, 2, 3, 4, 5, 6, 7], start: '01:02', end: '01:20' };
    await start({ blackoutWindows: [window] });
    await rig.pass(3 * MINUTE);
    const ids = report(2);
    await rig.pass(15 * MINUTE);
    expect(arrived()).toEqual([]);
    await rig.pass(10 * MINUTE);
    expect(arrived()).toEqual(ids);
    const reducedActivity = [
      {
        ...window,
        start: '01:00',
        end: '03:00',
        modules: ['FIM' as const],
        holds: ['transmission' as const],
      },
    ];
    rig.changeProfile({ blackoutWindows: [], reducedActivity });
    await rig.pass(20 * MINUTE);
    report(2);
    report(1, 10, 'edr');
    await rig.pass(20 * MINUTE);
    expect(arrived()).toEqual(ids);
    expect(rig.platform.shelf.ids.edr).toHaveLength(1);
    await rig.pass(90 * MINUTE);
    expect(arrived()).toHaveLength(4);
  });

  it('wait for a network that is not metered where a payload is too large for it, and say so', async () => {
    rig.settings = { ...rig.settings, meteredUploadLimitMb: 0 };
    await start();
    rig.network.change({ metered: true });
    report(2);
    await rig.pass(20 * MINUTE);
    expect(arrived()).toEqual([]);
    expect(rig.status.conditions).toMatchObject([
      { code: 'METERED_WAIT', text: expect.stringContaining('The FIM upload') as string },
    ]);
    rig.network.change({ metered: false });
    await rig.pass(MINUTE);
    expect(arrived()).toHaveLength(2);
    expect(rig.conditions).toEqual([]);
  });

  it('wait for a disk that takes nothing, without holding up the check-in', async () => {
    await start();
    const { events } = rig.core.context.store;
    const peek = events.peek.bind(events);
    events.peek = (stream, limits) => {
      if (stream === 'fim') throw new StoreError('FULL', 'database or disk is full');
      return peek(stream, limits);
    };
    const ids = report(2);
    const before = rig.platform.of('heartbeat').length;
    await rig.pass(15 * MINUTE);
    expect(rig.conditions).toEqual(['DISK_FULL']);
    expect(rig.platform.of('heartbeat').length).toBe(before + 1);
    events.peek = peek;
    await rig.pass(MINUTE);
    expect(arrived()).toEqual(ids);
    expect(rig.conditions).toEqual([]);
  });
});
