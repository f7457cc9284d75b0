import { z } from 'zod';

/** How a proxy is spoken to: HTTP CONNECT in clear, HTTP CONNECT inside TLS, SOCKS version 5 (RFC 1928). */
export const PROXY_PROTOCOLS = ['http', 'https', 'socks5'] as const;
export type ProxyProtocol = (typeof PROXY_PROTOCOLS)[number];

/**
 * Who named a proxy: the administrator's list, a PAC file, WPAD, the system's settings (on Linux the common
 * `https_proxy`), or the desktop's browser engine as a hint.
 */
export const PROXY_SOURCES = ['configured', 'PAC', 'WPAD', 'system', 'hint'] as const;
export type ProxySource = (typeof PROXY_SOURCES)[number];

/** Most proxies in one explicit list (product, "Parameters"). */
export const MAX_PROXIES = 5;

/** One way to the platform that was tried, as log, status and `wayfarerctl proxy test` show it. Holds no credentials. */
export const RouteAttempt = z.object({
  /** `proxy#1`, `proxy#2`, … in the order of trying, or `direct`. */
  route: z.string(),
  /** `http://host:port`, `null` for the direct way. */
  proxy: z.string().nullable(),
  source: z.enum(PROXY_SOURCES).nullable(),
  ok: z.boolean(),
  /** What it answered, or why it did not: one line. */
  result: z.string(),
  elapsedMs: z.number().min(0),
});
export type RouteAttempt = z.infer<typeof RouteAttempt>;
