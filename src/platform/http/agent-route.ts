import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import type { z } from 'zod';
import type { RequestParts } from '../../wire/message-signature.ts';
import type { Context } from '../context.ts';
import type { Agent } from '../store/agents.ts';
import { authenticate } from './authenticate.ts';
import { parseBody } from './body.ts';
import { partsOf, sendSigned, type Answer } from './exchange.ts';

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

/** Bodies arrive raw: the digest is over the bytes as they travelled. */
export const bodyOf = (request: FastifyRequest): Buffer =>
  Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);

/**
 * Adds `v1/agents/{id}<path>`: its body is bounded by `limit` bytes before it is buffered, its sender is
 * authenticated, its answer signed.
 */
export function agentRoute(
  server: FastifyInstance,
  context: Context,
  method: HTTPMethods,
  path: string,
  limit: number,
  handle: (call: AgentCall) => Answer | Promise<Answer>,
): void {
  server.route({
    method,
    url: `/v1/agents/:id${path}`,
    bodyLimit: limit,
    handler: async (request, reply) => {
      const params = request.params as Readonly<Record<string, string>>;
      const parts = partsOf(request);
      const body = bodyOf(request);
      const agent = await authenticate(context, parts, body, params['id'] ?? '');
      const answer = await handle({
        agent,
        parts,
        body,
        param: (name) => params[name] ?? '',
        json: (schema) => parseBody(schema, body, parts.headers['content-encoding'], limit),
      });
      return sendSigned(context, request, reply, answer);
    },
  });
}
