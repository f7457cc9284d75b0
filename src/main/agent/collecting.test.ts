import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deb, MINUTE, Rig } from './testing/rig.ts';
import { watchedPaths } from './watched-paths.ts';

describe('files that manifests look at', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
    rig.platform.modules = ['AI', 'PC'];
    rig.platform.tasks = [
      { id: 'hosts', table: 'file', params: { path: '/etc/hosts' } },
      { id: 'deb', table: 'deb', params: {} },
    ];
    for (const type of ['PolicyCompliance', 'UDC', 'AutoDiscovery', 'MiddlewarePC'] as const) {
      rig.collector.host.set(type, [deb('bash')]);
    }
  });
  afterEach(() => rig.dispose());
  const watches = () => rig.collector.sent.filter((message) => message.kind === 'watch');

  it('R026 are what the collector watches, also after it ended or a manifest came anew', async () => {
    await rig.start();
    const last = watches().at(-1);
    expect(last?.paths.map(({ path }) => path)).toEqual(['/etc/hosts']);
    expect([...(last?.paths[0]?.types ?? [])].sort()).toEqual([
      'AutoDiscovery',
      'Inventory',
      'MiddlewarePC',
      'PolicyCompliance',
      'UDC',
    ]);
    const before = watches().length;
    await rig.pass(20 * MINUTE);
    expect(watches()).toHaveLength(before);
    rig.collector.die();
    await rig.pass(5_000);
    expect(watches()).toHaveLength(before + 1);
  });

  it('R026 R027 bring an early cycle of the types that look at them, and of no other', async () => {
    await rig.start();
    await rig.pass(10 * MINUTE);
    const before = rig.collector.collections.length;
    rig.collector.configurationChanged(['UDC', 'SCA']);
    await rig.pass(2 * MINUTE);
    expect(rig.collector.collections.slice(before).map(({ type }) => type)).toEqual(['UDC']);
    expect(rig.events.findLast((event) => event.name === 'changed')).toMatchObject({ types: ['UDC'] });
  });

  it('are those of tables that look at one file, each once', () => {
    const found = watchedPaths(
      new Map([
        [
          'SCA',
          [
            { id: 'a', table: 'config_line', params: { path: '/etc/login.defs', match: 'x' } },
            { id: 'b', table: 'file', params: { path: '/etc/login.defs' } },
            { id: 'c', table: 'registry', params: { path: 'HKLM' } },
            { id: 'd', table: 'file', params: { path: 7 } },
          ],
        ],
        ['UDC', [{ id: 'e', table: 'certificate', params: { path: '/etc/login.defs' } }]],
      ]),
    );
    expect(found).toEqual([{ path: '/etc/login.defs', types: ['SCA', 'UDC'] }]);
  });
});
