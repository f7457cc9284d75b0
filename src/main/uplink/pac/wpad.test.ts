import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findHost, knowing, type AskDns } from './wpad-dns.ts';
import { createWpadScript } from './wpad.ts';

const PLATFORM = new URL('https://platform.example.net/');

let dataDir: string;
let server: Server;
let requests: string[];
let served: string | undefined;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'wf-wpad-'));
  requests = [];
  served = 'function FindProxyForURL(url, host) { return "PROXY office:8080; DIRECT" }';
  server = createServer((request, response) => {
    requests.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    if (served === undefined) response.writeHead(503).end();
    else response.end(served);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** A network whose DNS knows these hosts, all at our server. */
function network(suffixes: readonly string[], known: readonly string[]) {
  const state = { suffixes, known, asked: [] as string[], now: Date.UTC(2026, 10, 21) };
  const { port } = server.address() as AddressInfo;
  const ask: AskDns = (host) => {
    state.asked.push(host);
    return Promise.resolve(state.known.includes(host) ? [{ address: '127.0.0.1', family: 4 }] : []);
  };
  const script = createWpadScript({
    dataDir,
    secureContext: () => createSecureContext({ ca: [] }),
    clock: { now: () => state.now },
    log: { debug: () => undefined },
    suffixes: () => Promise.resolve(state.suffixes),
    askDns: ask,
    port,
    platform: 'linux',
  });
  return { state, script, port };
}

const OFFICE = { candidates: [{ protocol: 'http', host: 'office', port: 8080 }, 'direct'] };

describe('WPAD in the DNS', () => {
  it('R246 asks the script that the host of the longest domain serves', async () => {
    const { state, script, port } = network(['eng.example.com'], ['wpad.example.com']);
    expect(await script.evaluate(PLATFORM)).toEqual(OFFICE);
    expect(state.asked).toEqual(['wpad.eng.example.com', 'wpad.example.com']);
    expect(requests).toEqual([`wpad.example.com:${port}/wpad.dat`]);
    expect(await script.evaluate(PLATFORM)).toEqual(OFFICE);
    expect(requests).toHaveLength(1);
  });

  it('names nothing and complains about nothing in a network without one', async () => {
    const home = network(['example.com'], []);
    expect(await home.script.evaluate(PLATFORM)).toEqual({ candidates: [] });
    expect(await home.script.evaluate(PLATFORM)).toEqual({ candidates: [] });
    expect(home.state.asked).toEqual(['wpad.example.com']);
    const bare = network(['lan'], ['wpad.lan']);
    expect(await bare.script.evaluate(PLATFORM)).toEqual({ candidates: [] });
    expect(bare.state.asked).toEqual([]);
  });

  it('says why when a host is there and its script is not', async () => {
    const { script } = network(['example.com'], ['wpad.example.com']);
    served = undefined;
    expect(await script.evaluate(PLATFORM)).toEqual({
      candidates: [],
      problem: 'the script of WPAD the server answers 503',
    });
  });

  it('goes on with the copy of this network, and with none of another one', async () => {
    const { state, script } = network(['example.com'], ['wpad.example.com', 'wpad.example.org']);
    await script.evaluate(PLATFORM);
    served = undefined;
    script.refresh();
    expect(await script.evaluate(PLATFORM)).toMatchObject({
      ...OFFICE,
      problem: expect.stringContaining('the copy of 2026-11-21') as string,
    });
    state.suffixes = ['example.org'];
    script.refresh();
    expect(await script.evaluate(PLATFORM)).toMatchObject({ candidates: [] });
  });

  it('asks the new network after a change', async () => {
    const { state, script } = network(['example.com'], ['wpad.example.com']);
    await script.evaluate(PLATFORM);
    state.suffixes = ['example.org'];
    state.known = ['wpad.example.org'];
    served = 'function FindProxyForURL() { return "PROXY other:1" }';
    expect((await script.evaluate(PLATFORM)).candidates).toEqual([
      { protocol: 'http', host: 'other', port: 1 },
    ]);
  });
});

describe('the host of WPAD', () => {
  it('is the first that has an address, and later ones are not asked for', async () => {
    const asked: string[] = [];
    const ask: AskDns = (host) => {
      asked.push(host);
      return Promise.resolve(host === 'b' ? [{ address: '192.0.2.1', family: 4 }] : []);
    };
    expect(await findHost(['a', 'b', 'c'], ask)).toEqual({
      host: 'b',
      addresses: [{ address: '192.0.2.1', family: 4 }],
    });
    expect(asked).toEqual(['a', 'b']);
    expect(await findHost(['a', 'c'], ask)).toBeUndefined();
  });

  it('is not waited for when the DNS does not answer', async () => {
    expect(await findHost(['a'], () => new Promise(() => undefined), 10)).toBeUndefined();
  });

  it('is connected to at the address that the DNS gave, one or all of them', async () => {
    const addresses = [
      { address: '192.0.2.1', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ];
    const lookup = knowing({ host: 'wpad.example.com', addresses });
    const found = (name: string, all: boolean) =>
      new Promise((resolve) => {
        lookup(name, { all }, (_error, address, family) => {
          resolve(family === undefined ? address : { address, family });
        });
      });
    expect(await found('wpad.example.com', true)).toEqual(addresses);
    expect(await found('wpad.example.com', false)).toEqual(addresses[0]);
    expect(await found('localhost', true)).not.toEqual(addresses);
  });
});
