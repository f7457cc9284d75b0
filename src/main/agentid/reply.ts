import { isIP } from 'node:net';

/** The part of a request that decides about its answer. */
export interface Asked {
  readonly method: string;
  /** Request target as sent. */
  readonly url: string;
  /** Header fields by lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Reply {
  readonly status: 200 | 403 | 404 | 405;
  readonly body: string;
}

/** Sent with every answer: nothing is kept by caches or read by pages of other origins. */
export const REPLY_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  connection: 'close',
};

const refused = (status: 403 | 404 | 405, error: string): Reply => ({
  status,
  body: JSON.stringify({ error }),
});

/**
 * The answer to a request: the identifier for `GET /` and `HEAD /`, and for nothing else. Browsers are refused: a web
 * page that the person at this host opens must not learn the identifier, neither across origins (`Origin`, Fetch
 * standard; `Sec-Fetch-Site`, Fetch Metadata) nor under a name that was pointed at this host afterwards, which takes a
 * name in `Host` where a scanner has an address.
 */
export function replyTo(asked: Asked, correlationId: string): Reply {
  const { origin, 'sec-fetch-site': site, host } = asked.headers;
  if (origin !== undefined || site !== undefined) return refused(403, 'not for browsers');
  if (host !== undefined && !namesAddress(String(host))) {
    return refused(403, 'ask by address, not by name');
  }
  if (asked.url !== '/') return refused(404, 'there is only /');
  if (asked.method !== 'GET' && asked.method !== 'HEAD') return refused(405, 'only GET and HEAD');
  return { status: 200, body: JSON.stringify({ correlationId }) };
}

/** Whether a `Host` field holds an IP address, with or without port (RFC 9110, 7.2). */
function namesAddress(host: string): boolean {
  const bare = /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1] ?? /^([^:]*)(?::\d*)?$/.exec(host)?.[1] ?? '';
  return isIP(bare) !== 0;
}
