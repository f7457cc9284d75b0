import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '../queue/store-error.ts';
import { DAY, deb, MINUTE, Rig } from './testing/rig.ts';

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

  it('R020 collects and uploads the inventory alone where no further module is active', async () => {
    rig.platform.modules = ['AI'];
    await rig.start();
    expect(rig.collector.collections.map(({ type }) => type)).toEqual(['Inventory']);
    expect(rig.platform.commits).toHaveLength(1);
    expect(Object.keys(rig.facts.types)).toEqual(['Inventory']);
  });

  it('R172 collects and transfers at each interval, though nobody noticed a change', async () => {
    await rig.start();
    rig.collector.host.set('Inventory', [deb('bash'), deb('curl', 2), deb('zsh')]);
    await rig.pass(DAY);
    expect(rig.collector.collections).toHaveLength(2);
    expect(rig.platform.commits).toHaveLength(2);
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
