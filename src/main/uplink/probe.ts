import { randomBytes } from 'node:crypto';
import { SignatureRefused, verifyReply } from '../../wire/message-signature.ts';
import { Connection, type IncomingReply } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { dial, type Dialling } from './dial.ts';
import { failureOf } from './failure.ts';
import type { Candidate } from './proxy/candidate.ts';
import { targetOf } from './tunnel.ts';

/** What came back on the probe. */
export interface ProbeAnswer {
  readonly status: number;
  /** The `Location` field as it came. */
  readonly location?: string;
  /** `unknown key`: somebody signed, not with the pinned key; `no key`: none is pinned to verify it with. */
  readonly signature: 'verified' | 'unknown key' | 'no key' | 'absent';
}

/**
 * Sends the unsigned probe (GET `status`) by one way, on a connection of its own. It carries nothing of this agent but a
 * nonce, to which the platform's signature binds the answer. Rejects with a `RouteError` where no answer comes.
 */
export async function probe(
  candidate: Candidate,
  base: URL,
  platformKey: string | undefined,
  dialling: Dialling,
  deadline: Deadline,
  timeoutMs: number,
): Promise<ProbeAnswer> {
  const url = new URL('status', base);
  const headers = { 'wayfarer-nonce': randomBytes(16).toString('base64url') };
  const socket = await dial(candidate, targetOf(url), dialling, deadline);
  const connection = new Connection({ name: 'probe', candidate }, url.origin, socket);
  try {
    const reply = await deadline.step('the probe', failureOf, () =>
      connection.send(
        { method: 'GET', url: url.href, headers, body: new Uint8Array() },
        timeoutMs,
        deadline.signal,
      ),
    );
    const { location } = reply.headers;
    const signature = await signatureOf(reply, url, headers, platformKey);
    return { status: reply.status, signature, ...(location !== undefined && { location }) };
  } finally {
    await connection.close();
  }
}

async function signatureOf(
  reply: IncomingReply,
  url: URL,
  headers: Readonly<Record<string, string>>,
  platformKey: string | undefined,
): Promise<ProbeAnswer['signature']> {
  if (reply.headers['signature-input'] === undefined) return 'absent';
  if (platformKey === undefined) return 'no key';
  const request = { method: 'GET', path: url.pathname, query: url.search, headers };
  try {
    await verifyReply({ ...reply, request }, reply.body, platformKey);
    return 'verified';
  } catch (error) {
    if (error instanceof SignatureRefused) return 'unknown key';
    throw error;
  }
}
