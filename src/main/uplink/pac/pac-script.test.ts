import { createServer } from 'node:http';
import { once } from 'node:events';
import { readdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPacScript, openPacScripts, type PacDependencies } from './pac-script.ts';

const PLATFORM = new URL('https://platform.example.com/CloudAgent/status');
const script = (answer: string): string => `function FindProxyForURL() { return ${JSON.stringify(answer)} }`;

let dataDir: string;
let told: string[];
let now: number;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'wf-pac-'));
  told = [];
  now = Date.UTC(2026, 10, 21);
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const dependencies = (): PacDependencies => ({
  dataDir,
  secureContext: () => createSecureContext({ ca: [] }),
  clock: { now: () => now },
  log: { debug: (message) => told.push(message) },
});

const file = (content: string): string => {
  const path = join(dataDir, 'proxy.pac');
  writeFileSync(path, content);
  return path;
};

describe('a PAC file', () => {
  it('R246 R266 names the proxies for a URL', async () => {
    const { evaluate } = createPacScript(file(script('PROXY a:8080; HTTPS b:8443; DIRECT')), dependencies());
    expect(await evaluate(PLATFORM)).toEqual({
      candidates: [
        { protocol: 'http', host: 'a', port: 8080 },
        { protocol: 'https', host: 'b', port: 8443 },
        'direct',
      ],
    });
  });

  it('R258 counts without a restart when it changes, as path and as file: URL', async () => {
    for (const location of [file(''), pathToFileURL(file('')).href]) {
      const { evaluate } = createPacScript(location, dependencies());
      file(script('PROXY one:1'));
      expect(await evaluate(PLATFORM)).toEqual({ candidates: [{ protocol: 'http', host: 'one', port: 1 }] });
      file(script('PROXY two:2'));
      expect(await evaluate(PLATFORM)).toEqual({ candidates: [{ protocol: 'http', host: 'two', port: 2 }] });
    }
  });

  it('sees of the platform only its origin', async () => {
    const path = file(
      'function FindProxyForURL(url, host) { return url === "https://platform.example.com/" ? "PROXY " + host : "DIRECT" }',
    );
    expect((await createPacScript(path, dependencies()).evaluate(PLATFORM)).candidates).toEqual([
      { protocol: 'http', host: 'platform.example.com', port: 80 },
    ]);
  });

  it('that breaks is replaced by its last good copy, and both are told', async () => {
    const { evaluate } = createPacScript(file(script('PROXY one:1')), dependencies());
    await evaluate(PLATFORM);
    file('function FindProxyForURL( {');
    const { candidates, problem } = await evaluate(PLATFORM);
    expect(candidates).toEqual([{ protocol: 'http', host: 'one', port: 1 }]);
    expect(problem).toMatch(
      /proxy\.pac the script can't be read in line 1: .*; the copy of 2026-11-21T00:00:00.000Z is used$/,
    );
  });

  it('joins the troubles of fetching and of the answer', async () => {
    const { evaluate } = createPacScript(file(script('SOCKS4 old:1')), dependencies());
    await evaluate(PLATFORM);
    rmSync(join(dataDir, 'proxy.pac'));
    expect((await evaluate(PLATFORM)).problem).toMatch(
      /proxy\.pac can't be read: ENOENT; the copy of .* is used; the script's answer "SOCKS4 old:1"/,
    );
  });

  it.each([
    ['nowhere', 'nowhere is neither a URL nor an absolute path'],
    [
      'http://user:hunter2@pac.example.com/a?token=hunter2',
      '…@pac.example.com/a holds credentials: name a URL that can be read without',
    ],
  ])('at %s gives no proxies and the reason, without secrets', async (location, problem) => {
    expect(await createPacScript(location, dependencies()).evaluate(PLATFORM)).toEqual({
      candidates: [],
      problem,
    });
  });

  it('on a server is fetched once, and again when the network changed', async () => {
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      response.end(script(`PROXY p${requests}:1`));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const location = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const scripts = openPacScripts(dependencies());
    try {
      const first = await scripts.open(location).evaluate(PLATFORM);
      expect(first.candidates).toEqual([{ protocol: 'http', host: 'p1', port: 1 }]);
      expect(await scripts.open(location).evaluate(PLATFORM)).toEqual(first);
      scripts.refresh();
      expect((await scripts.open(location).evaluate(PLATFORM)).candidates).toMatchObject([{ host: 'p2' }]);
      expect(requests).toBe(2);
    } finally {
      server.close();
    }
    scripts.refresh();
    const { candidates, problem } = await scripts.open(location).evaluate(PLATFORM);
    expect(candidates).toMatchObject([{ host: 'p2' }]);
    expect(problem).toMatch(
      /can't be fetched: ECONNREFUSED .*; the copy of 2026-11-21T00:00:00.000Z is used/,
    );
    expect(readdirSync(dataDir).filter((name) => name.startsWith('pac-copy-'))).toHaveLength(1);
  });

  it('is held by location, the two that were asked for last', () => {
    const { open } = openPacScripts(dependencies());
    const [a, b] = [open('/a'), open('/b')];
    expect(open('/a')).toBe(a);
    open('/c');
    expect(open('/a')).toBe(a);
    expect(open('/b')).not.toBe(b);
  });
});
