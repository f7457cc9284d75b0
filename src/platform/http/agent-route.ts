import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { z } from 'zod';
import type { RequestParts } from '../../wire/message-signature.ts';
import type { Context } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { Agent } from '../store/agents.ts';
import { authenticate, requireBody } from './authenticate.ts';
import { parseBody } from './body.ts';
import type { BodyBudget } from './body-budget.ts';
import { partsOf, sendSigned, type Answer } from './exchange.ts';

/** What routes work with. */
export interface HttpContext extends Context {
  readonly bodies: BodyBudget;
}

/** An authenticated request of an agent. */
export interface AgentCall {
  readonly agent: Agent;
  readonly parts: RequestParts;
  /** The body as it arrived, encoding included. */
  readonly body: Buffer;
  /** A parameter of the path. */
  readonly param: (name: string) => string;
  /** The body as JSON of a schema. Throws 400, 413. */
  readonly json: <T extends z.ZodType>(schema: T) => z.output<T>;
}

const BUSY_RETRY_SEC = 5;

/** Bodies arrive raw: the digest is over the bytes as they travelled. */
export const bodyOf = (request: FastifyRequest): Buffer =>
  Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);

/**
 * Sets aside room for a request's body until its answer has left or its connection is gone. `limit` is the endpoint's
 * bound in bytes: what a body without a declared length may have. Throws 503 `BUSY`.
 */
export function requireRoom(
  bodies: BodyBudget,
  sender: string,
  request: FastifyRequest,
  reply: FastifyReply,
  limit: number,
): void {
  const { 'content-length': declared, 'transfer-encoding': chunked } = request.headers;
  const bytes = declared === undefined ? (chunked === undefined ? 0 : limit) : Number(declared);
  const release = bodies.take(sender, Math.min(bytes, limit));
  if (release === undefined) {
    throw new ApiError(503, 'BUSY', 'too many bodies are on their way', { retryAfterSec: BUSY_RETRY_SEC });
  }
  if (reply.raw.closed) release();
  else reply.raw.once('close', release);
}

/**
 * Adds `v1/agents/{id}<path>`. Its sender is authenticated by the headers before a byte of the body is taken; the body
 * is bounded by `limit` bytes; its answer is signed. Whatever the request is, the agent counts as seen, unless `handle`
 * is to decide that by itself.
 */
export function agentRoute(
  server: FastifyInstance,
  context: HttpContext,
  method: HTTPMethods,
  path: string,
  limit: number,
  handle: (call: AgentCall) => Answer | Promise<Answer>,
  options: { readonly touches: boolean } = { touches: true },
): void {
  const senders = new WeakMap<FastifyRequest, Agent>();
  const paramsOf = (request: FastifyRequest) => request.params as Readonly<Record<string, string>>;
  server.route({
    method,
    url: `/v1/agents/:id${path}`,
    bodyLimit: limit,
    onRequest: async (request, reply) => {
      const sender = await authenticate(context, partsOf(request), paramsOf(request)['id'] ?? '');
      requireRoom(context.bodies, sender.id, request, reply, limit);
      senders.set(request, sender);
    },
    handler: async (request, reply) => {
      const sender = senders.get(request);
      if (sender === undefined) throw new Error('a request came past its authentication');
      const parts = partsOf(request);
      const body = bodyOf(request);
      const agent = requireBody(context, sender, parts, body);
      if (options.touches) context.store.agents.touch(agent.id, context.now());
      const answer = await handle({
        agent,
        parts,
        body,
        param: (name) => paramsOf(request)[name] ?? '',
        json: (schema) => parseBody(schema, body, parts.headers['content-encoding'], limit),
      });
      return sendSigned(context, request, reply, answer);
    },
  });
}
