import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { MANIFEST_LIMITS } from '../../shared/manifest.ts';
import { createAdmin } from '../admin/admin.ts';
import { isAuthorized } from '../admin/token.ts';
import type { Context } from '../context.ts';
import type { EventFilter } from '../events/search.ts';
import { ApiError, NotFound, Refused, reasonOf } from '../errors.ts';
import { bodyOf } from './agent-route.ts';
import { parseBody } from './body.ts';

const BODY_LIMIT = MANIFEST_LIMITS.bytes;
const AnyObject = z.record(z.string(), z.unknown());
const CustomerInput = z.object({ name: z.string().trim().min(1).max(200) });
const CorrelationInput = z.strictObject({ correlation: z.boolean() });
const ModulesInput = z.object({ modules: z.array(z.string()).max(32) });
const CommandInput = z.object({ type: z.string().max(32), args: AnyObject.default({}) });

type Params = Readonly<Record<string, string>>;

/** Administration with a bearer token (`admin.token` in the data directory). Plain JSON, not part of the protocol. */
export function adminRoutes(server: FastifyInstance, context: Context, token: string): void {
  const admin = createAdmin(context);
  server.addHook('onRequest', (request, reply, done) => {
    if (isAuthorized(request.headers.authorization, token)) done();
    else void fail(reply, 401, 'UNAUTHORIZED', 'the admin token is needed');
  });
  server.setErrorHandler((error, request, reply) => adminError(context, error, request, reply));

  const get = (path: string, read: (params: Params, limit: number) => unknown): void => {
    server.get(path, (request, reply) => reply.send(read(request.params as Params, limitOf(request))));
  };
  const send = <T extends z.ZodType>(
    method: 'POST' | 'PATCH' | 'PUT',
    path: string,
    schema: T,
    write: (params: Params, input: z.output<T>) => unknown,
  ): void => {
    server.route({
      method,
      url: path,
      bodyLimit: BODY_LIMIT,
      handler: (request, reply) =>
        reply.send(
          write(request.params as Params, parseBody(schema, bodyOf(request), undefined, BODY_LIMIT)),
        ),
    });
  };
  const id = (params: Params): string => params['id'] ?? '';

  get('/customers', () => admin.customers());
  send('POST', '/customers', CustomerInput, (_, { name }) => admin.createCustomer(name));
  send('PATCH', '/customers/:id', CorrelationInput, (params, { correlation }) =>
    admin.setCorrelation(correlation, id(params)),
  );
  get('/customers/:customer/correlations/:id', (params) => admin.correlate(id(params), params['customer']));
  get('/keys', () => admin.keys());
  send('POST', '/keys', AnyObject, (_, input) =>
    admin.createKey(input as Parameters<typeof admin.createKey>[0]),
  );
  send('PATCH', '/keys/:id', AnyObject, (params, input) => admin.editKey(id(params), input));
  get('/profiles', () => admin.profiles());
  send('POST', '/profiles', AnyObject, (_, input) => admin.createProfile(input));
  send('PATCH', '/profiles/:id', AnyObject, (params, input) => admin.editProfile(id(params), input));
  get('/manifests', () => admin.manifests());
  get('/manifests/:id', (params) => admin.showManifest(id(params)));
  send('PUT', '/manifests/:id', z.unknown(), (params, input) => admin.setManifest(id(params), input));
  server.delete('/manifests/:id', (request, reply) =>
    reply.send(admin.resetManifest(id(request.params as Params))),
  );
  get('/agents', () => admin.agents());
  get('/agents/:id', (params) => admin.show(id(params)));
  send('PATCH', '/agents/:id', ModulesInput, (params, { modules }) =>
    admin.changeModules(id(params), modules),
  );
  send('POST', '/agents/:id/commands', CommandInput, (params, { type, args }) =>
    admin.command(id(params), type, args),
  );
  get('/agents/:id/activities', (params, limit) => admin.activities(id(params), limit));
  get('/agents/:id/changes', (params, limit) => admin.changes(id(params), limit));
  get('/agents/:id/asset-changes', (params, limit) => admin.assetChanges(id(params), limit));
  get('/agents/:id/commits', (params, limit) => admin.commits(id(params), limit));
  get('/agents/:id/findings', (params) => admin.findings(id(params)));
  server.get('/events', (request, reply) => reply.send(admin.events(request.query as EventFilter)));
  get('/events/:id', (params) => admin.event(id(params)));
  get('/agents/:id/event-chains', (params) => admin.eventState(id(params)));
  get('/advisories', () => admin.advisories());
}

/** `?limit=`, 1 to 10,000; 100 unless given. */
function limitOf(request: FastifyRequest): number {
  const given = Number((request.query as Params)['limit'] ?? 100);
  return Number.isInteger(given) ? Math.min(10_000, Math.max(1, given)) : 100;
}

function adminError(
  context: Context,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Refused) return fail(reply, 400, 'REFUSED', error.message);
  if (error instanceof NotFound) return fail(reply, 404, 'NOT_FOUND', error.message);
  if (error instanceof ApiError) return fail(reply, error.status, error.code, error.message);
  const { statusCode } = error as { readonly statusCode?: unknown };
  if (typeof statusCode === 'number' && statusCode < 500) {
    return fail(reply, statusCode, 'BAD_REQUEST', reasonOf(error));
  }
  context.log('error', `admin ${request.method} ${request.url}: ${reasonOf(error)}`);
  return fail(reply, 500, 'INTERNAL', 'the platform failed; its log says why');
}

const fail = (reply: FastifyReply, status: number, code: string, message: string): FastifyReply =>
  reply.code(status).send({ error: { code, message } });
