import { expect } from 'vitest';
import { generateKeyPair } from '../keys.ts';
import { signRequest, type Headers, type RequestParts } from '../message-signature.ts';

/** The one who signs requests, and somebody else. */
export const agent = generateKeyPair();
export const other = generateKeyPair();
export const STAMP = { created: 1_795_000_000, nonce: 'bm9uY2Utbm9uY2Utbm9uYw' };
export const BODY = Buffer.from('{"a":1}');

/** A request that nobody has signed yet. */
export const plain: RequestParts = {
  method: 'POST',
  path: '/CloudAgent/v1/agents/a/status',
  query: '?x=1',
  headers: { 'wayfarer-customer': 'c0ffee', 'wayfarer-agent': 'a9e27' },
};

/** A message with these headers beside or in place of its own. */
export function withHeaders<T extends { headers: Headers }>(message: T, headers: Headers): T {
  return { ...message, headers: { ...message.headers, ...headers } };
}

export function signedRequest(request = plain, body: Uint8Array = BODY, stamp = STAMP): RequestParts {
  return withHeaders(request, signRequest(request, body, agent, stamp));
}

/** What a refused message rejects with. */
export const refused = (reason: string | RegExp) => ({
  name: 'SignatureRefused',
  message: (typeof reason === 'string'
    ? expect.stringContaining(reason)
    : expect.stringMatching(reason)) as string,
});
