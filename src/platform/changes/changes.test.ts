import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Row } from '../../shared/rows.ts';
import { itemsOf, type PlatformClient } from '../../../test/support/platform-client.ts';
import { PlatformFixture } from '../../../test/support/platform-fixture.ts';
import { assetChanges } from './describe.ts';

type Rows = readonly (readonly [table: string, key: string, row: Row])[];

const deb = (name: string, version: string, status = 'installed'): Rows[number] => [
  'deb',
  `${name}:amd64`,
  { name, version, arch: 'amd64', status },
];
const rpm = (name: string, version: string): Rows[number] => [
  'rpm',
  `${name}-0-${version}-1.el9.x86_64`,
  { name, epoch: 0, version, release: '1.el9', arch: 'x86_64' },
];
const line = (text: string): Rows[number] => [
  'config_line',
  `/etc/ssh/sshd_config ^Permit ${text} 1`,
  { path: '/etc/ssh/sshd_config', pattern: '^Permit', line: text },
];
const file = (mode: string, sha256 = 'a'.repeat(64)): Rows[number] => [
  'file',
  '/etc/passwd',
  { path: '/etc/passwd', exists: true, mode, sha256 },
];
const sysctl = (value: string): Rows[number] => [
  'sysctl',
  'net.ipv4.ip_forward',
  { name: 'net.ipv4.ip_forward', exists: true, value },
];

describe('change events of an asset', () => {
  let fixture: PlatformFixture;
  let client: PlatformClient;
  beforeEach(async () => {
    fixture = new PlatformFixture();
    await fixture.start();
    client = await fixture.agent(['AI', 'VM', 'PC']);
  });
  afterEach(() => fixture.dispose());
  const upload = async (
    type: 'Inventory' | 'Vulnerability' | 'PolicyCompliance',
    rows: Rows,
    kind?: 'snapshot',
  ) => {
    expect((await client.upload(type, itemsOf(rows), kind)).status).toBe(200);
  };
  const told = () =>
    fixture.platform.admin
      .assetChanges(client.agentId)
      .map(({ event, subject, before, after }) => [event, subject, before, after]);

  it('R316 tell of packages that came, went and got another version, by the commit of a delta', async () => {
    await upload('Inventory', [deb('bash', '5.2-1'), deb('curl', '7.88-1'), deb('vim', '9.0-2')]);
    expect(told()).toEqual([]);
    await upload('Inventory', [
      deb('bash', '5.2-1'),
      deb('curl', '7.88-10'),
      deb('vim', '9.0-1'),
      deb('zsh', '5.9-4'),
    ]);
    expect(told()).toEqual([
      ['package installed', 'zsh amd64', null, '5.9-4'],
      ['package downgraded', 'vim amd64', '9.0-2', '9.0-1'],
      ['package upgraded', 'curl amd64', '7.88-1', '7.88-10'],
    ]);
    await upload('Inventory', [
      deb('bash', '5.2-1', 'config-files'),
      deb('curl', '7.88-10'),
      deb('vim', '9.0-1'),
    ]);
    expect(told().slice(0, 2)).toEqual([
      ['package removed', 'zsh amd64', '5.9-4', null],
      ['package removed', 'bash amd64', '5.2-1', null],
    ]);
  });

  it('R316 tell of configuration that drifted, by the commit of a delta', async () => {
    await upload('PolicyCompliance', [line('PermitRootLogin no'), file('0644'), sysctl('0')]);
    fixture.advance(60);
    await upload('PolicyCompliance', [line('PermitRootLogin yes'), file('0666'), sysctl('1')]);
    expect(told()).toEqual([
      ['configuration changed', 'net.ipv4.ip_forward', '0', '1'],
      ['configuration changed', '/etc/passwd', 'mode=0644', 'mode=0666'],
      ['configuration changed', '/etc/ssh/sshd_config', 'PermitRootLogin no', 'PermitRootLogin yes'],
    ]);
    expect(fixture.platform.admin.assetChanges(client.agentId)[0]).toMatchObject({
      at: fixture.time,
      type: 'PolicyCompliance',
      seq: 2,
      source: 'sysctl',
    });
  });

  it('are told once of a package that several manifests list', async () => {
    for (const version of ['1', '2']) {
      await upload('Inventory', [deb('bash', version)]);
      await upload('Vulnerability', [deb('bash', version)]);
    }
    expect(told()).toHaveLength(1);
  });

  it('come from a snapshot that replaces another as from a delta, and from a first one not at all', async () => {
    await upload('Inventory', [deb('bash', '1'), deb('gone', '1')]);
    await upload('Inventory', [deb('bash', '2')], 'snapshot');
    expect(told()).toEqual([
      ['package removed', 'gone amd64', '1', null],
      ['package upgraded', 'bash amd64', '1', '2'],
    ]);
  });

  it('are not told by a commit that was refused, and kept within a bound', async () => {
    const many = (version: string) => Array.from({ length: 3_000 }, (_, n) => deb(`p${n}`, version));
    await upload('Inventory', many('1'));
    const { request } = client.changesTo('Inventory', itemsOf(many('2')), 'delta');
    expect((await client.send({ ...request, newRoot: 'f'.repeat(64) }, Buffer.from('x'))).status).toBe(400);
    expect(told()).toEqual([]);
    for (const version of ['2', '3']) await upload('Inventory', many(version));
    expect(fixture.platform.admin.assetChanges(client.agentId, 10_000)).toHaveLength(5_000);
  });
});

describe('rows of one commit', () => {
  const change = (before: Rows[number] | undefined, after: Rows[number] | undefined) => ({
    table: (after ?? before)?.[0] ?? '',
    before: before?.[2],
    after: after?.[2],
  });
  const events = (...rows: ReturnType<typeof change>[]) =>
    assetChanges(rows).map(({ event, before, after }) => [event, before, after]);

  it('R316 of a package that is listed under each version are one change', () => {
    expect(events(change(rpm('kernel', '5.1'), undefined), change(undefined, rpm('kernel', '5.2')))).toEqual([
      ['package version changed', '5.1-1.el9', '5.2-1.el9'],
    ]);
    expect(events(change(rpm('a', '1'), undefined), change(undefined, rpm('b', '1')))).toEqual([
      ['package removed', '1-1.el9', null],
      ['package installed', null, '1-1.el9'],
    ]);
  });

  it('R316 of an update of Windows are a patch', () => {
    const update: Rows[number] = [
      'windows_hotfixes',
      'KB5034441',
      { id: 'KB5034441', installedOn: '2026-11-20' },
    ];
    expect(events(change(undefined, update))).toEqual([['patch applied', null, '2026-11-20']]);
  });

  it('that a changed manifest asks for, or asks for no more, are no change of the host', () => {
    expect(events(change(undefined, file('0644')), change(sysctl('1'), undefined))).toEqual([]);
    expect(
      events(
        change(deb('a', '1'), [
          'deb',
          'a:amd64',
          { name: 'a', version: '1', arch: 'amd64', status: 'installed', section: 'x' },
        ]),
      ),
    ).toEqual([]);
  });

  it('of an object that vanished say so', () => {
    const absent: Rows[number] = ['file', '/etc/passwd', { path: '/etc/passwd', exists: false }];
    expect(events(change(file('0644'), absent))[0]?.[2]).toContain('absent');
  });

  it('with values without end are cut', () => {
    const [[, , after]] = events(change(sysctl('1'), sysctl('x'.repeat(100_000)))) as [
      [string, string, string],
    ];
    expect(after).toHaveLength(500);
  });
});
