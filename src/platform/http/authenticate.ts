import { MAX_CLOCK_SKEW_SEC } from '../../shared/wire.ts';
import { Uuid } from '../../shared/ids.ts';
import { keyId } from '../../wire/keys.ts';
import { verifyRequest, type RequestParts } from '../../wire/message-signature.ts';
import type { Context } from '../context.ts';
import { ApiError, reasonOf } from '../errors.ts';
import type { Agent } from '../store/agents.ts';

/** Longest nonce that is stored; an agent's has 22 characters. */
const MAX_NONCE = 128;

/**
 * Who sent a request: the agent that the path names, proven by its registered key. Throws 404 `AGENT_UNKNOWN`,
 * 401 `BAD_SIGNATURE` or `CLOCK_SKEW`, 410 `AGENT_UNINSTALLED`.
 */
export async function authenticate(
  context: Context,
  request: RequestParts,
  body: Uint8Array,
  pathId: string,
): Promise<Agent> {
  const agent = Uuid.safeParse(pathId).success ? context.store.agents.get(pathId) : undefined;
  if (agent === undefined) throw new ApiError(404, 'AGENT_UNKNOWN', 'no agent has this id');
  requireHeaders(request, { agent: agent.id, customer: agent.customer });
  await requireSignature(context, request, body, agent.publicKey);
  if (agent.uninstalledAt !== null)
    throw new ApiError(410, 'AGENT_UNINSTALLED', 'this agent was uninstalled');
  return agent;
}

/** Whom the signed headers must name: the ids of the path or, at provisioning, of the body. Throws 401. */
export function requireHeaders(
  request: RequestParts,
  expected: { readonly agent: string; readonly customer: string },
): void {
  if (request.headers['wayfarer-agent'] !== expected.agent)
    throw badSignature('wayfarer-agent is another id');
  if (request.headers['wayfarer-customer'] !== expected.customer) {
    throw badSignature('wayfarer-customer is another id');
  }
}

/** Proves that the request was signed by `publicKey`, lately, and never seen before. Throws 401. */
export async function requireSignature(
  context: Context,
  request: RequestParts,
  body: Uint8Array,
  publicKey: string,
): Promise<void> {
  const expected = keyId(publicKey);
  const signature = await verifyRequest(request, body, (id) =>
    id === expected ? publicKey : undefined,
  ).catch((error: unknown) => {
    throw badSignature(reasonOf(error));
  });
  const nowSec = context.now() / 1000;
  if (Math.abs(signature.created - nowSec) > MAX_CLOCK_SKEW_SEC) {
    throw new ApiError(401, 'CLOCK_SKEW', 'the request was signed too far from this time');
  }
  if (signature.nonce.length === 0 || signature.nonce.length > MAX_NONCE)
    throw badSignature('nonce of a wrong length');
  // After this moment the time check refuses the signature by itself.
  const expiresAt = (signature.created + 2 * MAX_CLOCK_SKEW_SEC) * 1000;
  if (!context.store.replay.takeNonce(expected, signature.nonce, expiresAt, context.now()))
    throw badSignature('nonce was used before');
}

const badSignature = (reason: string): ApiError => new ApiError(401, 'BAD_SIGNATURE', reason);
