import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import { ControlClient } from './client.ts';
import { call } from './testing/call.ts';
import { CHANGED, CONTROL_ID, ControlHost, PROFILE } from './testing/still-core.ts';

let host: ControlHost;
let endpoints: ControlHost['endpoints'];
beforeEach(async () => {
  host = new ControlHost();
  ({ endpoints } = host);
  await host.open();
});
afterEach(() => host.dispose());

describe('calls', () => {
  it('give the status on both endpoints', async () => {
    for (const endpoint of Object.values(endpoints)) {
      expect(await new ControlClient(endpoint).status()).toEqual(STATUS);
    }
  });

  it('give the profile in force and the recent events to everyone', async () => {
    host.core.recent = [CHANGED];
    const client = new ControlClient(endpoints.read);
    expect(await client.profile()).toEqual(PROFILE);
    expect(await client.events()).toEqual([CHANGED]);
  });

  it('ask for registering on the admin endpoint alone, and are told why not', async () => {
    await expect(new ControlClient(endpoints.read).provisionNow()).rejects.toMatchObject({
      code: 'ADMIN_ONLY',
    });
    expect(await new ControlClient(endpoints.admin).provisionNow()).toBe('trying');
    host.core.provision = { refused: 'NOT_CONFIGURED', reason: 'missing: CustomerId' };
    await expect(new ControlClient(endpoints.admin).provisionNow()).rejects.toMatchObject({
      code: 'NOT_CONFIGURED',
      message: 'missing: CustomerId',
    });
  });

  it('of the administrator are refused on the read endpoint, whatever the request says', async () => {
    expect(await call(endpoints.read, 'POST', '/v1/cycle', '{}')).toEqual({
      status: 403,
      code: 'ADMIN_ONLY',
    });
    await expect(new ControlClient(endpoints.read).requestCycle({})).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('root') as string,
    });
    expect(host.core.asked).toEqual([]);
  });

  it('of the administrator reach the core on the admin endpoint', async () => {
    const client = new ControlClient(endpoints.admin);
    expect(await client.requestCycle({ types: ['Inventory', 'SCA'] })).toEqual({
      accepted: ['Inventory'],
      refused: { SCA: 'no manifest' },
    });
    expect(host.core.asked).toEqual([{ types: ['Inventory', 'SCA'] }]);
  });

  it('ask for a scan on either endpoint; the core learns which one it was', async () => {
    for (const endpoint of [endpoints.read, endpoints.admin]) {
      const reply = await new ControlClient(endpoint).scan({ type: 'Vulnerability', cpuLimitPct: 50 });
      expect(reply).toEqual({ controlId: CONTROL_ID, type: 'Vulnerability', cpuLimitPct: 10 });
    }
    expect(host.core.wishes.map(({ origin, cpuLimitPct }) => [origin, cpuLimitPct])).toEqual([
      ['user', 50],
      ['administrator', 50],
    ]);
  });

  it.each([
    ['SUSPENDED', 409],
    ['CPU_LIMIT', 403],
  ])('are told why a scan is refused: %s with %i', async (refused, status) => {
    host.core.answer = { refused, reason: 'because' };
    const body = JSON.stringify({ type: 'SCA' });
    expect(await call(endpoints.read, 'POST', '/v1/scan', body)).toEqual({ status, code: refused });
    await expect(new ControlClient(endpoints.read).scan({ type: 'SCA' })).rejects.toMatchObject({
      kind: 'refused',
      code: refused,
      message: 'because',
    });
  });

  it.each([
    { type: 'FIM' },
    { type: 'vm' },
    {},
    { type: 'SCA', cpuLimitPct: 1 },
    { type: 'SCA', cpuLimitPct: 101 },
    { type: 'SCA', cpuLimitPct: '50' },
    { type: 'SCA', origin: 'administrator' },
  ])('are refused a scan that makes no sense: %j', async (wish) => {
    const answer = await call(endpoints.admin, 'POST', '/v1/scan', JSON.stringify(wish));
    expect(answer).toEqual({ status: 400, code: 'BAD_REQUEST' });
    expect(host.core.wishes).toEqual([]);
  });

  it('in another version of the contract are refused before anything is done', async () => {
    const answer = await new Promise<{ status: number | undefined; spoken: unknown; body: string }>(
      (resolve, reject) => {
        const headers = { 'wayfarer-control': '2' };
        const request = httpRequest(
          { socketPath: endpoints.admin, method: 'POST', path: '/v1/cycle', headers },
          (response) => {
            response.setEncoding('utf8').once('data', (body: string) => {
              resolve({ status: response.statusCode, spoken: response.headers['wayfarer-control'], body });
            });
          },
        );
        request.on('error', reject).end('{}');
      },
    );
    expect(answer).toMatchObject({ status: 400, spoken: '1' });
    expect(answer.body).toContain('"VERSION"');
    expect(answer.body).toContain('version 1');
    expect(host.core.asked).toEqual([]);
  });

  it.each([
    ['GET', '/v1/nothing'],
    ['GET', '/v1/status?a'],
    ['DELETE', '/v1/status'],
    ['GET', '/__proto__'],
    ['POST', '/v1/watch'],
  ])('that do not exist are named so: %s %s', async (method, path) => {
    expect(await call(endpoints.admin, method, path)).toEqual({ status: 404, code: 'UNKNOWN' });
  });

  it.each(['{', '[]', '{"types":["Everything"]}', '{"types":"Inventory"}'])(
    'with a wrong body are refused: %s',
    async (body) => {
      expect(await call(endpoints.admin, 'POST', '/v1/cycle', body)).toEqual({
        status: 400,
        code: 'BAD_REQUEST',
      });
      expect(host.core.asked).toEqual([]);
    },
  );

  it('with a body of 100 MB are told so before it was taken', async () => {
    let taken = 0;
    function* flood(): Generator<Buffer> {
      for (; taken < 1600; taken += 1) yield Buffer.alloc(65_536);
    }
    expect(await call(endpoints.admin, 'POST', '/v1/cycle', flood())).toEqual({
      status: 413,
      code: 'TOO_LARGE',
    });
    expect(taken).toBeLessThan(200);
    expect((await new ControlClient(endpoints.admin).status()).pid).toBe(STATUS.pid);
  });

  it('that fail inside are not called the fault of the client', async () => {
    vi.spyOn(host.core, 'requestCycle').mockImplementation(() => {
      throw new Error('broken');
    });
    expect(await call(endpoints.admin, 'POST', '/v1/cycle', '{}')).toEqual({ status: 500, code: 'INTERNAL' });
  });

  it('survive bytes that are no HTTP', async () => {
    const socket = connect(endpoints.read);
    socket.on('error', () => undefined);
    socket.write('\u0000\u0001 rubbish\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve).resume());
    expect((await new ControlClient(endpoints.read).status()).pid).toBe(STATUS.pid);
  });
});
