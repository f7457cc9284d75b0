import type { FastifyInstance, RouteShorthandOptions } from 'fastify';
import { audienceOfAgent, audienceOfCustomer } from '../../shared/documents.ts';
import {
  AcksRequest,
  BODY_LIMITS,
  ProvisionRequest,
  StatusRequest,
  SyncCheckRequest,
} from '../../shared/wire.ts';
import { signDocument } from '../../wire/signed-document.ts';
import { takeAcks } from '../agents/acks.ts';
import { currentConfig } from '../agents/config.ts';
import { heartbeat } from '../agents/heartbeat.ts';
import { manifestFor } from '../agents/manifests.ts';
import { provision, requireKey } from '../agents/provision.ts';
import { syncCheck } from '../agents/sync-check.ts';
import { instant, type Context } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { Agent } from '../store/agents.ts';
import type { Versioned } from '../store/documents.ts';
import { agentRoute, bodyOf, requireRoom, type HttpContext } from './agent-route.ts';
import { requireHeaders, requireSignature } from './authenticate.ts';
import { parseBody } from './body.ts';
import { partsOf, sendSigned, type Answer } from './exchange.ts';
import { once } from './idempotency.ts';

/** Everything of the protocol but uploads (protocol, "Endpoints"). */
export function protocolRoutes(server: FastifyInstance, context: HttpContext): void {
  server.get('/status', (request, reply) => sendSigned(context, request, reply, { status: 204 }));
  server.get('/v1/keys', () => {
    throw new ApiError(404, 'NOT_FOUND', 'the platform key was never changed: there is no statement');
  });
  server.get('/v1/releases/:os/:arch/:version', () => {
    throw new ApiError(404, 'NOT_FOUND', 'no such release');
  });
  provisionRoute(server, context);
  agentRoute(
    server,
    context,
    'POST',
    '/status',
    BODY_LIMITS.status,
    (call) => ({ status: 200, body: heartbeat(context, call.agent.id, call.json(StatusRequest)) }),
    // A clone's heartbeat changes nothing of the record.
    { touches: false },
  );
  agentRoute(server, context, 'GET', '/config', BODY_LIMITS.other, (call) => {
    const config = context.store.transaction(() => currentConfig(context, call.agent));
    return documentAnswer(context, call.agent, 'profile', audienceOfAgent(call.agent.id), config);
  });
  agentRoute(server, context, 'GET', '/manifests/:type', BODY_LIMITS.other, (call) => {
    const manifest = manifestFor(context, call.agent, call.param('type'));
    return documentAnswer(context, call.agent, 'manifest', audienceOfCustomer(call.agent.customer), manifest);
  });
  agentRoute(server, context, 'POST', '/sync-check', BODY_LIMITS.other, (call) => ({
    status: 200,
    body: syncCheck(context, call.agent, call.json(SyncCheckRequest)),
  }));
  agentRoute(server, context, 'POST', '/acks', BODY_LIMITS.acks, (call) => {
    const { records } = call.json(AcksRequest);
    return once(context, call, () => {
      return { status: 200, body: { accepted: takeAcks(context, call.agent, records) } };
    });
  });
  agentRoute(server, context, 'POST', '/goodbye', BODY_LIMITS.other, (call) => {
    const { agent } = call;
    context.store.agents.put({ ...agent, uninstalledAt: context.now(), lastSeen: context.now() });
    context.log('info', `agent ${agent.id} (${agent.hostname}) was uninstalled on its host`);
    return { status: 204 };
  });
}

/** The sender is a stranger until its body is read: all strangers share the room of one agent. */
const STRANGERS = '';

function provisionRoute(server: FastifyInstance, context: HttpContext): void {
  const options: RouteShorthandOptions = {
    bodyLimit: BODY_LIMITS.provision,
    onRequest: (request, reply, done) => {
      requireRoom(context.bodies, STRANGERS, request, reply, BODY_LIMITS.provision);
      done();
    },
  };
  server.post('/v1/provision', options, async (request, reply) => {
    const parts = partsOf(request);
    const body = bodyOf(request);
    const encoding = parts.headers['content-encoding'];
    const wanted = parseBody(ProvisionRequest, body, encoding, BODY_LIMITS.provision);
    requireHeaders(parts, { agent: wanted.proposedAgentId, customer: wanted.customerId });
    requireKey(context, wanted);
    await requireSignature(context, parts, wanted.publicKey, body);
    const given = provision(context, wanted);
    context.log('info', `agent ${given.agentId} (${wanted.host.hostname}) provisioned: ${wanted.reason}`);
    return sendSigned(context, request, reply, { status: 201, body: given });
  });
}

async function documentAnswer(
  context: Context,
  agent: Agent,
  kind: 'profile' | 'manifest',
  audience: string,
  { version, content, issuedAt }: Versioned,
): Promise<Answer> {
  const document = await signDocument(
    {
      kind,
      customer: agent.customer,
      audience,
      version,
      issuedAt: instant(issuedAt),
      content: JSON.parse(content) as unknown,
    } as { readonly kind: string },
    context.signing,
  );
  return { status: 200, body: { document }, version };
}
