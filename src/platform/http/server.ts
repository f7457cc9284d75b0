import fastify, { type FastifyInstance } from 'fastify';
import type { Context } from '../context.ts';
import { ApiError } from '../errors.ts';
import { ADMIN_PATH, BASE_PATH } from '../paths.ts';
import type { TlsMaterial } from '../tls.ts';
import { createBodyBudget } from './body-budget.ts';
import { adminRoutes } from './admin-routes.ts';
import { sendError } from './exchange.ts';
import { protocolRoutes } from './routes.ts';
import { uploadRoutes } from './upload-routes.ts';

/** A request must have arrived within this time, ms: the largest chunk over a slow line takes minutes. */
const REQUEST_TIMEOUT_MS = 10 * 60 * 1000;

export interface ServerOptions {
  readonly context: Context;
  readonly tls: TlsMaterial;
  readonly adminToken: string;
  /** Called after a commit: something may be waiting to be processed. */
  readonly committed: () => void;
}

/** The HTTPS server: the protocol below `/CloudAgent/`, administration below `/admin/v1/`. Not yet listening. */
export function createServer({ context, tls, adminToken, committed }: ServerOptions): FastifyInstance {
  const server = fastify({
    https: {
      key: tls.keyPem,
      cert: tls.certPem,
      minVersion: 'TLSv1.2',
      handshakeTimeout: context.limits.headersMs,
      headersTimeout: context.limits.headersMs,
      connectionsCheckingInterval: context.limits.headersMs / 4,
    },
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      void sendError(context, request, reply, error);
    },
  }) as unknown as FastifyInstance;
  server.server.maxConnections = context.limits.connections;
  const http = { ...context, bodies: createBodyBudget(context.limits.bodies) };
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.setErrorHandler((error, request, reply) => sendError(context, request, reply, error));
  server.setNotFoundHandler((request, reply) =>
    sendError(context, request, reply, new ApiError(404, 'NOT_FOUND', 'there is nothing at this path')),
  );
  void server.register(
    (scope, _options, done) => {
      protocolRoutes(scope, http);
      uploadRoutes(scope, http, committed);
      done();
    },
    { prefix: BASE_PATH.slice(0, -1) },
  );
  void server.register(
    (scope, _options, done) => {
      adminRoutes(scope, context, adminToken);
      done();
    },
    { prefix: ADMIN_PATH.slice(0, -1) },
  );
  return server;
}
