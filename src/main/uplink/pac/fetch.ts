import type { LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { Agent, request, type Dispatcher } from 'undici';
import { describeFailure, failureOf } from '../failure.ts';
import { freshMs } from './freshness.ts';
import { MAX_SCRIPT } from './job.ts';
import { charsetOf, decodeScript, TOO_LARGE, Unavailable, type LoadedScript } from './script-text.ts';

/** Time for fetching a script, redirects and all, ms. */
export const FETCH_MS = 10_000;

/** Redirects that are followed. */
const MAX_REDIRECTS = 3;

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Content types of scripts; others are taken as well, as browsers do. */
const SCRIPT_TYPE =
  /^application\/(x-ns-proxy-autoconfig|x-javascript-config|javascript)\b|^text\/javascript\b/i;

export interface FetchOptions {
  /** Whom TLS trusts. */
  readonly secureContext: () => SecureContext;
  /** Now, ms since the epoch. */
  readonly now: () => number;
  /** Ends the fetch early. */
  readonly signal: AbortSignal;
  readonly debug: (message: string) => void;
  /** Finds the addresses of names; the system's resolver without it. */
  readonly lookup?: LookupFunction;
  /** Time for all of it, ms. */
  readonly wholeMs?: number;
}

/**
 * Fetches a script over http or https, through no proxy: at most 1 MB, 10 s and three redirects, none of them from https
 * to http. Throws `Unavailable` with the reason.
 */
export async function fetchScript(url: URL, options: FetchOptions): Promise<LoadedScript> {
  const { wholeMs = FETCH_MS } = options;
  const late = AbortSignal.timeout(wholeMs);
  const agent = new Agent({
    connect: {
      secureContext: options.secureContext(),
      rejectUnauthorized: true,
      timeout: wholeMs,
      ...(options.lookup !== undefined && { lookup: options.lookup }),
    },
    allowH2: false,
    pipelining: 0,
  });
  try {
    return await follow(url, agent, AbortSignal.any([late, options.signal]), options);
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    if (late.aborted) throw new Unavailable(`was not there within ${wholeMs / 1000} s`);
    if (options.signal.aborted) throw new Unavailable('the network changed while it was fetched');
    throw new Unavailable(`can't be fetched: ${describeFailure(failureOf(error))}`);
  } finally {
    await agent.destroy();
  }
}

async function follow(
  start: URL,
  dispatcher: Dispatcher,
  signal: AbortSignal,
  options: FetchOptions,
): Promise<LoadedScript> {
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const reply = await request(url, {
      dispatcher,
      signal,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'Wayfarer' },
    });
    const headers = plain(reply.headers);
    if (!REDIRECTS.includes(reply.statusCode)) return await readReply(reply, headers, options);
    url = redirected(url, headers['location']);
  }
  throw new Unavailable(`redirects more than ${MAX_REDIRECTS} times`);
}

function redirected(from: URL, location: string | undefined): URL {
  const to = location === undefined ? null : URL.parse(location, from.href);
  if (to === null || !['http:', 'https:'].includes(to.protocol) || to.username !== '' || to.password !== '') {
    throw new Unavailable('redirects to something that is no plain http: or https: URL');
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new Unavailable('redirects from https to http');
  }
  return to;
}

async function readReply(
  reply: Dispatcher.ResponseData,
  headers: Readonly<Record<string, string>>,
  { now, debug }: FetchOptions,
): Promise<LoadedScript> {
  if (reply.statusCode !== 200) throw new Unavailable(`the server answers ${reply.statusCode}`);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new Unavailable('comes compressed, which was not asked for');
  }
  if (Number(headers['content-length'] ?? 0) > MAX_SCRIPT) throw new Unavailable(TOO_LARGE);
  const type = headers['content-type'];
  if (!SCRIPT_TYPE.test(type ?? '')) debug(`a proxy script came as ${type ?? 'no content type'}`);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of reply.body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_SCRIPT) throw new Unavailable(TOO_LARGE);
    parts.push(part);
  }
  return { script: decodeScript(Buffer.concat(parts), charsetOf(type)), freshMs: freshMs(headers, now()) };
}

function plain(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
