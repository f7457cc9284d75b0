import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '../queue/store-error.ts';
import { MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

describe('the life of an agent', () => {
  it('R090 R126 registers, then downloads profile and manifests, then collects and uploads', async () => {
    await rig.start();
    const order = rig.platform.calls.map((entry) => entry.call);
    expect([...new Set(order)]).toEqual([
      'provision',
      'profile',
      'heartbeat',
      'manifest',
      'acknowledge',
      'openUpload',
      'putChunk',
      'commit',
      'syncCheck',
    ]);
    expect(rig.inSync()).toBe(true);
  });

  it('asks its process to end when the database turns out damaged in use', async () => {
    await rig.start();
    rig.core.context.store.kv.set = () => {
      throw new StoreError('CORRUPT', 'database disk image is malformed');
    };
    expect(rig.fatal).toEqual([]);
    await rig.pass(15 * MINUTE);
    expect(rig.fatal[0]).toContain('malformed');
  });
});
