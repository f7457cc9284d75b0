import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { audienceOfAgent, audienceOfCustomer } from '../../shared/documents.ts';
import type { DocumentReply } from '../../shared/wire.ts';
import { generateKeyPair } from '../../wire/keys.ts';
import { refusal } from './testing/fake-platform.ts';
import { MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

/** Has the platform serve this document next. */
const serve = (call: 'profile' | 'manifest', document: string): void => {
  rig.platform.twist(call, { change: (): DocumentReply => ({ document }) });
};
const cycle = (): Promise<void> => rig.pass(rig.facts.profile.statusIntervalSec * 1000);
const hostId = (): string => rig.status.identity.hostId ?? '';

describe('the configuration profile', () => {
  it('R110 R119 is taken when the heartbeat announces a newer one, and put on record', async () => {
    await rig.start();
    rig.platform.profile = { ...rig.platform.profile, name: 'Second', statusIntervalSec: 1800 };
    rig.platform.profileVersion = 2;
    await cycle();
    expect(rig.status.profile).toMatchObject({ name: 'Second', version: 2 });
    const records = [...rig.platform.records.values()].filter((record) => record.kind === 'activity');
    const downloaded = records.filter((record) => record.activity === 'Configuration Downloaded');
    expect(downloaded.map((record) => record.detail)).toEqual(['Test, version 1', 'Second, version 2']);
  });

  it('R107 R143 is clamped where values are out of range, which is said', async () => {
    rig.platform.profile = { ...rig.platform.profile, statusIntervalSec: 10, chunkSizeKb: 99_999 };
    await rig.start();
    expect(rig.facts.profile).toMatchObject({ statusIntervalSec: 900, chunkSizeKb: 10_240 });
    expect(rig.conditions).toEqual(['PROFILE_CLAMPED']);
    expect(rig.status.conditions[0]?.text).toContain('statusIntervalSec 10 → 900');
    expect(rig.lines.some((line) => line.startsWith('profile values out of range'))).toBe(true);
    rig.platform.profile = { ...rig.platform.profile, statusIntervalSec: 900, chunkSizeKb: 64 };
    rig.platform.profileVersion = 2;
    await cycle();
    expect(rig.conditions).toEqual([]);
  });

  it.each([
    [
      'signed by another key',
      (): Promise<string> =>
        rig.platform.sign('profile', audienceOfAgent(hostId()), 2, rig.platform.profile, generateKeyPair()),
    ],
    [
      'for another host',
      (): Promise<string> =>
        rig.platform.sign('profile', audienceOfAgent(rig.platform.customerId), 2, rig.platform.profile),
    ],
    [
      'of a wrong schema',
      (): Promise<string> => rig.platform.sign('profile', audienceOfAgent(hostId()), 2, {}),
    ],
    [
      'in place of which a manifest came',
      (): Promise<string> =>
        rig.platform.sign('manifest', audienceOfAgent(hostId()), 2, rig.platform.profile),
    ],
  ])(
    'R222 %s is refused, the last good one stays, and it is asked for again an interval later',
    async (_, make) => {
      await rig.start();
      rig.platform.profileVersion = 2;
      serve('profile', await make());
      await cycle();
      expect(rig.conditions).toEqual(['PROFILE_INVALID']);
      expect(rig.status.profile).toMatchObject({ name: 'Test', version: 1 });
      expect(rig.platform.of('profile')).toHaveLength(2);
      await cycle();
      expect(rig.status.profile.version).toBe(2);
      expect(rig.conditions).toEqual([]);
    },
  );

  it('R222 of a lower version is taken for a replay', async () => {
    rig.platform.profileVersion = 5;
    await rig.start();
    const old = await rig.platform.sign('profile', audienceOfAgent(hostId()), 4, rig.platform.profile);
    rig.platform.profileVersion = 6;
    serve('profile', old);
    await cycle();
    expect(rig.status.profile.version).toBe(5);
    expect(rig.status.conditions[0]?.text).toContain('older than 5');
  });

  it('is in force again after a restart without asking for it', async () => {
    rig.platform.profile = { ...rig.platform.profile, name: 'Kept' };
    await rig.start();
    await rig.stop();
    await rig.start();
    expect(rig.status.profile).toMatchObject({ name: 'Kept', version: 1 });
    expect(rig.platform.of('profile')).toHaveLength(1);
    expect(rig.platform.of('manifest')).toHaveLength(1);
  });

  it('that was changed on the disk counts as absent and is downloaded again', async () => {
    await rig.start();
    const forged = await rig.platform.sign(
      'profile',
      audienceOfAgent(hostId()),
      9,
      rig.platform.profile,
      generateKeyPair(),
    );
    rig.core.context.store.kv.set('profile', { jws: forged });
    await rig.stop();
    await rig.start();
    expect(rig.status.profile.version).toBe(1);
    expect(rig.platform.of('profile')).toHaveLength(2);
  });

  it('that the platform announces but does not serve is not asked for in a loop', async () => {
    await rig.start();
    rig.platform.profileVersion = 2;
    serve('profile', await rig.platform.sign('profile', audienceOfAgent(hostId()), 1, rig.platform.profile));
    await cycle();
    expect(rig.platform.of('profile')).toHaveLength(2);
    await cycle();
    expect(rig.status.profile.version).toBe(2);
  });

  it('that the platform cannot serve holds up nothing else', async () => {
    rig.platform.twist('profile', { fail: refusal(500, 'INTERNAL') });
    await rig.start();
    await rig.pass(MINUTE);
    expect(rig.platform.of('profile')).toHaveLength(1);
    expect(rig.inSync()).toBe(true);
    await cycle();
    expect(rig.status.profile.version).toBe(1);
  });
});

describe('a manifest', () => {
  it('R109 R170 of a new version is downloaded and starts a collection at once', async () => {
    await rig.start();
    rig.platform.manifestVersions = { Inventory: 2 };
    await cycle();
    expect(rig.status.types.Inventory).toMatchObject({ manifestVersion: 2, seq: 2 });
    expect(rig.collector.collections).toHaveLength(2);
  });

  it('R167 R168 R170 waits for delay and random share where the profile sets them', async () => {
    rig.platform.profile = { ...rig.platform.profile, scanDelayMin: 10, scanRandomizeMin: 4 };
    await rig.start();
    await rig.pass(13 * MINUTE - 1);
    expect(rig.collector.collections).toHaveLength(0);
    await rig.pass(1);
    expect(rig.collector.collections).toHaveLength(1);
  });

  it('R222 that does not verify leaves the last good one in force', async () => {
    await rig.start();
    rig.platform.manifestVersions = { Inventory: 2 };
    const audience = audienceOfCustomer(rig.platform.customerId);
    const content = { type: 'Inventory', tasks: [] };
    serve('manifest', await rig.platform.sign('manifest', audience, 2, content, generateKeyPair()));
    await cycle();
    expect(rig.conditions).toEqual(['MANIFEST_INVALID']);
    expect(rig.status.types.Inventory?.manifestVersion).toBe(1);
    expect(rig.core.context.tasks.get('Inventory')).toHaveLength(1);
    expect(rig.collector.collections).toHaveLength(1);
    await cycle();
    expect(rig.conditions).toEqual([]);
    expect(rig.status.types.Inventory?.manifestVersion).toBe(2);
  });

  it('of another type, and one of a lower version, is refused', async () => {
    rig.platform.manifestVersions = { Inventory: 3 };
    await rig.start();
    const audience = audienceOfCustomer(rig.platform.customerId);
    rig.platform.manifestVersions = { Inventory: 4 };
    serve('manifest', await rig.platform.sign('manifest', audience, 4, { type: 'SCA', tasks: [] }));
    await cycle();
    expect(rig.status.conditions[0]?.text).toContain('manifest is of type SCA');
    serve('manifest', await rig.platform.sign('manifest', audience, 2, { type: 'Inventory', tasks: [] }));
    await cycle();
    expect(rig.status.conditions[0]?.text).toContain('older than 3');
    expect(rig.status.types.Inventory?.manifestVersion).toBe(3);
  });

  it('that there is none of is not asked for again before the next heartbeat, nor a fault', async () => {
    rig.platform.twist('manifest', { fail: refusal(404, 'NO_MANIFEST') });
    await rig.start();
    expect(rig.platform.of('manifest')).toHaveLength(1);
    expect(rig.conditions).toEqual([]);
    await cycle();
    expect(rig.inSync()).toBe(true);
  });

  it('R216 of a type that cannot be served does not hold up the others', async () => {
    rig.platform.modules = ['AI', 'VM'];
    rig.platform.twist('manifest', { fail: refusal(500, 'INTERNAL') });
    await rig.start();
    await rig.pass(MINUTE);
    expect(rig.collector.collections.map((collect) => collect.type)).toEqual(['Vulnerability']);
    await cycle();
    await rig.pass(MINUTE);
    expect(rig.collector.collections.map((collect) => collect.type)).toEqual(['Vulnerability', 'Inventory']);
  });
});
