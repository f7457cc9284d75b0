import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fim } from './manifests/fim.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';

let fixture: PlatformFixture;
beforeEach(async () => {
  fixture = new PlatformFixture();
  await fixture.start();
});
afterEach(() => fixture.dispose());

const admin = () => fixture.platform.admin;
const task = (id: string, params: Readonly<Record<string, unknown>>, table = 'file_integrity') => ({
  id,
  table,
  params,
});
const etc = task('etc', { kind: 'directory', path: '/etc' });
const stateOf = (type: string) => {
  const { version, own, tasks } = admin().showManifest(type);
  return { version, own, tasks };
};
const call = async (method: string, path: string, body?: unknown) => {
  const { adminUrl, adminToken, caPem } = fixture.platform;
  const { Agent, request } = await import('undici');
  const reply = await request(`${adminUrl}${path}`, {
    method: method as 'GET',
    headers: { authorization: `Bearer ${adminToken}` },
    dispatcher: new Agent({ connect: { ca: caPem } }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: reply.statusCode, body: (await reply.body.json()) as Record<string, unknown> };
};

describe('manifests of administrators', () => {
  it('R206 take the place of the one that comes with the platform under the next version, and outlive a restart', async () => {
    const client = await fixture.agent(['AI', 'FIM']);
    expect(admin().setManifest('fim', { tasks: [etc] })).toMatchObject({ version: 2, own: true, tasks: 1 });
    await fixture.stop();
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    expect(stateOf('FIM')).toEqual({ version: 2, own: true, tasks: 1 });
    expect((await client.heartbeat()).body).toMatchObject({ manifestVersions: { FIM: 2 } });
    expect(admin().setManifest('FIM', { type: 'FIM', tasks: [etc] })).toMatchObject({ version: 2 });
    expect(admin().resetManifest('FIM')).toMatchObject({ version: 3, own: false, tasks: fim.tasks.length });
  });

  it.each<[string, object, RegExp]>([
    ['a table that is none', task('x', {}, 'processes'), /task "x": there is no table "processes"/],
    ['a table by the name of a built-in', task('x', {}, 'constructor'), /there is no table "constructor"/],
    ['a path that is none', task('x', { kind: 'file' }), /task "x", path: /],
    ['a relative path', task('x', { kind: 'file', path: 'etc' }), /task "x", path: give an absolute path/],
    ['a path upwards', task('x', { kind: 'file', path: '/etc/../root' }), /task "x", path: .*without "\.\."/],
    ['an unknown parameter', task('x', { ...etc.params, recurse: true }), /task "x", params: .*"recurse"/],
    [
      'a pattern of 100,000 characters',
      task('x', { ...etc.params, exclude: ['a', '*'.repeat(100_000)] }),
      /task "x", exclude\.1: Too big: expected string to have <=1024 characters/,
    ],
    ['a wrong severity', task('x', { ...etc.params, severity: 'urgent' }), /task "x", severity: /],
    ['two tasks of one id', etc, /two tasks have the same id/],
    ['a bad id', task('../x', etc.params), /tasks\.1\.id: /],
    ['a task that is none', { id: 7 }, /tasks\.1\.id: /],
  ])('R206 with %s are refused with task and parameter, and change nothing', (_, wrong, message) => {
    expect(() => admin().setManifest('FIM', { tasks: [etc, wrong] })).toThrow(message);
    expect(stateOf('FIM')).toEqual({ version: 1, own: false, tasks: fim.tasks.length });
  });

  it('are refused for other types, and for a type that is none', () => {
    expect(() => admin().setManifest('Inventory', { tasks: [] })).toThrow('FIM and EDR can be set');
    expect(() => admin().setManifest('EDR', { type: 'FIM', tasks: [] })).toThrow('not of EDR');
    expect(() => admin().showManifest('__proto__')).toThrow('there is no manifest type');
    expect(() => admin().setManifest('FIM', null)).toThrow('input: ');
  });

  it('R201 of process events are held to the schema of their own table', () => {
    const drops = task('drops', { paths: ['/srv'] }, 'dropped_executables');
    expect(admin().setManifest('EDR', { tasks: [drops] })).toMatchObject({ version: 2 });
    const none = task('drops', { paths: [] }, 'dropped_executables');
    expect(() => admin().setManifest('EDR', { tasks: [none] })).toThrow(/task "drops", paths: /);
  });

  it('are shown, set and taken back by the API, too', async () => {
    expect((await call('PUT', 'manifests/FIM', { tasks: [etc] })).body).toMatchObject({ version: 2 });
    expect((await call('GET', 'manifests/FIM')).body).toMatchObject({ manifest: { tasks: [etc] } });
    const refused = await call('PUT', 'manifests/FIM', { tasks: [task('x', {})] });
    expect([refused.status, refused.body]).toMatchObject([400, { error: { code: 'REFUSED' } }]);
    expect((await call('DELETE', 'manifests/FIM')).body).toMatchObject({ version: 3, own: false });
    expect((await call('GET', 'manifests/Nonsense')).status).toBe(404);
  });
});
