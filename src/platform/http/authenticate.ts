import { MAX_CLOCK_SKEW_SEC } from '../../shared/wire.ts';
import { Uuid } from '../../shared/ids.ts';
import { keyId } from '../../wire/keys.ts';
import {
  verifyBody,
  verifyRequest,
  verifyRequestHead,
  type RequestParts,
} from '../../wire/message-signature.ts';
import type { Context } from '../context.ts';
import { ApiError, reasonOf } from '../errors.ts';
import type { Agent } from '../store/agents.ts';

/** Longest nonce that is stored; an agent's has 22 characters. */
const MAX_NONCE = 128;

/**
 * Who sends a request: the agent that the path names, proven by its registered key from the headers alone, before any of
 * the body is taken. `requireBody` completes the proof. Throws 404 `AGENT_UNKNOWN`, 401 `BAD_SIGNATURE` or
 * `CLOCK_SKEW`, 410 `AGENT_UNINSTALLED`.
 */
export async function authenticate(context: Context, request: RequestParts, pathId: string): Promise<Agent> {
  const agent = Uuid.safeParse(pathId).success ? context.store.agents.get(pathId) : undefined;
  if (agent === undefined) throw new ApiError(404, 'AGENT_UNKNOWN', 'no agent has this id');
  requireHeaders(request, { agent: agent.id, customer: agent.customer });
  await requireSignature(context, request, agent.publicKey);
  return installed(agent);
}

/**
 * The sender as it stands once its body has arrived: minutes may lie between. Throws 401 when the body is another than
 * the signed one or the key was replaced, 410 `AGENT_UNINSTALLED`.
 */
export function requireBody(context: Context, sender: Agent, request: RequestParts, body: Uint8Array): Agent {
  try {
    verifyBody(request, body);
  } catch (error) {
    throw badSignature(reasonOf(error));
  }
  const agent = context.store.agents.get(sender.id);
  if (agent?.publicKey !== sender.publicKey) throw badSignature('the key of this agent was replaced');
  return installed(agent);
}

function installed(agent: Agent): Agent {
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

/**
 * Proves that the request was signed by `publicKey`, lately, and never seen before; with `body`, that these are the
 * bytes it was signed over. Throws 401.
 */
export async function requireSignature(
  context: Context,
  request: RequestParts,
  publicKey: string,
  body?: Uint8Array,
): Promise<void> {
  const expected = keyId(publicKey);
  const keyOf = (id: string): string | undefined => (id === expected ? publicKey : undefined);
  const verifying =
    body === undefined ? verifyRequestHead(request, keyOf) : verifyRequest(request, body, keyOf);
  const signature = await verifying.catch((error: unknown) => {
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
