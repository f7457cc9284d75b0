import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAnswer } from '../../src/main/uplink/pac/answer.ts';
import { questionOf } from '../../src/main/uplink/pac/evaluator.ts';
import { PacLimits } from '../../src/main/uplink/pac/job.ts';
import type { Resolver } from '../../src/main/uplink/pac/lookups.ts';
import { evaluate } from '../../src/main/uplink/pac/runner.ts';
import { launchChromium, noChromium } from '../support/chromium.ts';
import { ListeningProxy } from '../support/listening-proxies.ts';
import { ADDRESSES, EXPRESSIONS, pacFile, PROXIES, URLS } from './pac-cases.ts';

/*
 * The same PAC file in Chromium and in the agent. Chromium is sent to each URL, and which of many listening proxies it
 * connects to is what its script engine answered.
 */

const why = noChromium();

const resolver: Resolver = {
  ipv4: (name) => find(name),
  all: (name) => find(name),
  own: () => Promise.resolve([]),
};
const find = (name: string): Promise<readonly string[]> => {
  const address = ADDRESSES[name];
  return address === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve([address]);
};

/** Answers that only differ in how they are written, with the proxies A and B that stand in them. */
const ANSWERS = [
  ...[
    'PROXY A',
    'proxy A',
    ' PROXY \t A ;;',
    'PROXY A; PROXY B',
    'PROXY; PROXY B',
    'PROXY http://A; PROXY B',
  ],
  ...['PROXY user@A; PROXY B', 'PROXY A:1; PROXY B', 'PROXY A x; PROXY B', 'PROXY localhost:99999; PROXY B'],
  ...['NONSENSE A; PROXY B', 'DIRECT A; PROXY B', 'direct', '', ';', 'HTTPS A', 'SOCKS5 A'],
  ...['SOCKS A', 'SOCKS4 A', 'HTTP A'],
] as const;

/** Ports that go without saying, each at an address of its own; only root may listen there. */
const DEFAULT_PORTS = [
  { keyword: 'PROXY', host: '127.77.0.1', port: 80 },
  { keyword: 'HTTPS', host: '127.77.0.2', port: 443 },
  { keyword: 'SOCKS5', host: '127.77.0.3', port: 1080 },
] as const;
const MAY_LISTEN = process.getuid?.() === 0;

describe(`PAC files in Chromium and in the agent${why === undefined ? '' : `: ${why}`}`, () => {
  let browser: Browser | undefined;
  let page: Page;
  let server: Server;
  let script: string;
  const proxies: ListeningProxy[] = [];
  const names: string[] = [];
  const answers: string[] = [];

  const listen = async (host = `127.0.0.${1 + (proxies.length % 20)}`, port?: number): Promise<string> => {
    const proxy = new ListeningProxy();
    proxies.push(proxy);
    const name = await proxy.listen(host, port);
    names.push(name);
    return name;
  };

  beforeAll(async () => {
    if (why !== undefined) return;
    for (let count = 0; count < PROXIES; count += 1) await listen();
    const shared = [...names];
    for (const answer of ANSWERS) {
      const [a, b] = [await listen(), await listen()];
      answers.push(answer.replace(/\bA\b/, a).replace(/\bB\b/, b));
    }
    for (const { keyword, host, port } of MAY_LISTEN ? DEFAULT_PORTS : []) {
      await listen(host, port);
      answers.push(`${keyword} ${host}`);
    }
    script = pacFile(shared, answers);
    server = createServer((_request, response) => response.end(_request.url === '/proxy.pac' ? script : ''));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const map = Object.entries(ADDRESSES).map(([name, address]) => `MAP ${name} ${address}`);
    browser = await launchChromium([
      `--proxy-pac-url=${origin}/proxy.pac`,
      `--host-resolver-rules=${[...map, 'MAP *.answer.test 127.0.0.1', 'MAP *.test ~NOTFOUND', 'MAP intranet ~NOTFOUND'].join(',')}`,
    ]);
    page = await browser.newPage();
    await page.goto(`${origin}/`);
  });
  afterAll(async () => {
    await browser?.close();
    for (const proxy of proxies) await proxy.close();
    if (why === undefined) server.close();
  });

  /** Has Chromium try all of these; every one fails or gets an empty answer. */
  const visit = (urls: readonly string[]): Promise<void> =>
    page.evaluate(
      async (all) => {
        const ask = (url: string) =>
          fetch(url, { mode: 'no-cors', signal: AbortSignal.timeout(45_000) }).catch(() => undefined);
        await Promise.all(all.map(ask));
      },
      [...urls],
    );

  /** Where Chromium went, by what its first visit to a proxy was for: a whole URL, or host and port of a tunnel. */
  const visits = (): Map<string, string> =>
    new Map(
      proxies.flatMap((proxy, index) => proxy.visits.map(({ target }) => [target, names[index]!] as const)),
    );
  const keyOf = (url: string): string => {
    const { protocol, hostname, port, href } = new URL(url);
    return protocol === 'https:' ? `${hostname}:${port === '' ? '443' : port}` : href.replace(/#.*$/, '');
  };

  const ours = async (url: string): Promise<string> => {
    const job = {
      script,
      question: questionOf(new URL(url)),
      now: Date.now(),
      limits: PacLimits.parse({ scriptMs: 20_000 }),
    };
    const outcome = await evaluate(job, resolver);
    const [first = 'direct'] = 'answer' in outcome ? parseAnswer(outcome.answer).candidates : [];
    return first === 'direct' ? first : `${first.host}:${first.port}`;
  };

  it.skipIf(why !== undefined)(`agree about ${URLS.length} URLs`, async () => {
    await visit(URLS);
    const chromium = visits();
    const different: string[] = [];
    for (const url of URLS) {
      const theirs = chromium.get(keyOf(url)) ?? 'direct';
      const agent = await ours(url);
      if (agent !== theirs) different.push(`${url}: Chromium ${theirs}, agent ${agent}`);
    }
    expect(different).toEqual([]);
    expect(new Set(URLS.map((url) => chromium.get(keyOf(url)))).size).toBeGreaterThan(12);
  });

  it.skipIf(why !== undefined)(`agree about ${EXPRESSIONS.length} expressions`, async () => {
    const url = (number: number): string => `http://e${number}.expression.test/`;
    const before = await Promise.all(EXPRESSIONS.map((_, number) => ours(url(number))));
    await visit(EXPRESSIONS.map((_, number) => url(number)));
    const chromium = visits();
    const different: string[] = [];
    for (const [number, expression] of EXPRESSIONS.entries()) {
      const theirs = chromium.get(url(number)) ?? 'direct';
      // Asked again if need be: between the two, an hour or a day may have begun.
      if (theirs !== before[number] && theirs !== (await ours(url(number)))) different.push(expression);
    }
    expect(different).toEqual([]);
  });

  it.skipIf(why !== undefined)(
    'agree about the ways in which an answer is written, but for three',
    async () => {
      await visit(answers.map((_, number) => `http://k${number}.answer.test/`));
      const different = answers.flatMap((answer) => {
        const [first = 'direct'] = parseAnswer(answer).candidates;
        const agent = first === 'direct' ? first : `${first.protocol} ${first.host}:${first.port}`;
        const theirs = firstVisited(answer);
        return agent === theirs ? [] : [`${answer}: Chromium ${theirs}, agent ${agent}`];
      });
      const [socks = '', socks4 = '', http = ''] = answers
        .slice(ANSWERS.indexOf('SOCKS A'))
        .map((answer) => answer.replace(/^\w+ /, ''));
      expect(different).toEqual([
        `SOCKS ${socks}: Chromium socks4 ${socks}, agent socks5 ${socks}`,
        `SOCKS4 ${socks4}: Chromium socks4 ${socks4}, agent direct`,
        `HTTP ${http}: Chromium direct, agent http ${http}`,
      ]);
    },
  );

  /** Which proxy of an answer Chromium came to, and how it spoke; the proxies of answers are in no other one. */
  function firstVisited(answer: string): string {
    const words = answer.split(/[\s;]+/);
    const index = names.findIndex(
      (name, at) =>
        words.some((word) => word === name || name.startsWith(`${word}:`)) &&
        proxies[at]?.visits.length !== 0,
    );
    const spoke = proxies[index]?.visits[0]?.spoke;
    return spoke === undefined ? 'direct' : `${spoke === 'tls' ? 'https' : spoke} ${names[index] ?? ''}`;
  }
});
