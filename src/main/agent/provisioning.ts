import { z } from 'zod';
import type { ConditionCode } from '../../shared/conditions.ts';
import { Uuid } from '../../shared/ids.ts';
import { AGENT_VERSION, type ProvisionReply, type ProvisionRequest } from '../../shared/wire.ts';
import { toInstant } from '../clock.ts';
import { writeHostId } from '../host/host-id.ts';
import { describeFailure, wasEnded, type Failure } from '../uplink/failure.ts';
import type { Store } from '../queue/open.ts';
import { provisioningFailed } from './backoff.ts';
import type { Apply, Context, Proposal } from './context.ts';
import {
  clearConnection,
  exchangeWorked,
  longestPauseMs,
  raiseConnection,
  retryAfterMs,
} from './failures.ts';
import { recordActivity } from './records.ts';
import { setModules } from './modules.ts';

/** Codes of a refused provisioning that have a condition of their own (R054). */
const REFUSALS: readonly ConditionCode[] = [
  'KEY_UNKNOWN',
  'KEY_EXPIRED',
  'KEY_EXHAUSTED',
  'CUSTOMER_UNKNOWN',
  'AGENT_ID_IN_USE',
];

/** What this build can do, as it tells the platform. */
const CAPABILITIES = ['snapshot', 'delta', 'zstd', 'sync-check'];

/** A proposal as it is kept, with the Host ID that stood in the file when it was made. */
const Kept = z.object({ hostId: Uuid, previous: Uuid.optional(), beside: Uuid.optional() });
const PROPOSAL = 'proposal';

/**
 * The proposal that was under way when the agent ended: the platform may have confirmed it, so that another id would
 * leave a second record of this host. A Host ID that was put into its place since then comes first.
 */
export function keptProposal(store: Store, storedHostId: string | undefined): Proposal | undefined {
  const kept = store.kv.get(PROPOSAL, Kept);
  if (kept !== undefined && kept.beside === storedHostId) {
    return { hostId: kept.hostId, ...(kept.previous !== undefined && { previous: kept.previous }) };
  }
  return storedHostId === undefined ? undefined : { hostId: storedHostId };
}

/** Notes durably what is proposed before it is. */
function propose(context: Context, proposal: Proposal): void {
  context.store.kv.set(PROPOSAL, { ...proposal, beside: context.identity.storedHostId });
  context.identity.proposal = proposal;
}

/**
 * Registers this host (R091, R092): proposes the stored Host ID or a new one; what the platform confirmed is stored,
 * nothing before.
 */
export async function provision(context: Context): Promise<Apply> {
  const request = provisionRequest(context);
  const result = await context.platform.provision(request);
  return () => {
    if (!result.ok) {
      refused(context, result.failure);
      return;
    }
    const doubt = doubtOf(context, request, result.value);
    if (doubt === undefined) confirmed(context, result.value);
    else refused(context, { kind: 'unverified', reason: doubt });
  };
}

function provisionRequest(context: Context): ProvisionRequest {
  const { settings, identity, host } = context;
  const proposal = identity.proposal ?? { hostId: context.random.uuid() };
  propose(context, proposal);
  return {
    customerId: settings.customerId ?? '',
    activationId: settings.activationId ?? '',
    proposedAgentId: proposal.hostId,
    ...(proposal.previous !== undefined && { previousAgentId: proposal.previous }),
    reason:
      proposal.previous !== undefined
        ? 'reprovision'
        : identity.storedHostId === undefined
          ? 'first'
          : 'reinstall',
    publicKey: identity.keyPair.publicKey,
    host,
    agentVersion: AGENT_VERSION,
    capabilities: CAPABILITIES,
  };
}

/** Why a signed confirmation is not to be believed all the same, or `undefined`. */
function doubtOf(context: Context, request: ProvisionRequest, reply: ProvisionReply): string | undefined {
  const key = context.platformKey();
  if (key !== undefined && key !== reply.platformPublicKey) {
    return 'the reply names another platform key than the one in force';
  }
  if (reply.agentId !== request.proposedAgentId)
    return 'the reply confirms another Host ID than the proposed one';
  return undefined;
}

function confirmed(context: Context, reply: ProvisionReply): void {
  const { identity, settings } = context;
  const registration = {
    hostId: reply.agentId,
    agentKeyId: identity.keyPair.keyId,
    customerId: settings.customerId ?? '',
    activationId: settings.activationId ?? '',
    activationTitle: reply.activationTitle,
    tags: reply.tags,
    platformKey: reply.platformPublicKey,
    pinned: settings.platformKey === undefined ? ('first use' as const) : ('configured' as const),
  };
  writeHostId(context.paths.hostIdFile, reply.agentId);
  context.identityFiles.storeRegistration(registration);
  context.store.kv.set('registered', { hostId: reply.agentId, agentKeyId: identity.keyPair.keyId });
  context.store.kv.delete('reprovision');
  context.store.kv.delete(PROPOSAL);
  identity.registration = registration;
  identity.storedHostId = reply.agentId;
  identity.conflict = false;
  identity.proposal = undefined;
  for (const code of [...REFUSALS, 'PROVISIONING_FAILED'] as const) context.conditions.clear(code);
  exchangeWorked(context);
  context.log.info(`provisioned, activation "${reply.activationTitle}"`);
  context.emit({ name: 'provisioned', hostId: reply.agentId, activationTitle: reply.activationTitle });
  const facts = context.facts();
  context.update({
    provisioned: true,
    heartbeatWanted: true,
    // A platform that is new to this agent may hold nothing, or something older: compare before relying on it.
    syncCheckWanted: Object.values(facts.types).some((type) => type.seq > 0),
    profileOffered: Math.max(reply.configVersion, 1),
  });
  recordActivity(context, 'Provisioned');
  setModules(context, reply.modules);
}

function refused(context: Context, failure: Failure): void {
  if (wasEnded(failure)) return;
  const now = context.clock.now();
  const code = failure.kind === 'api' ? failure.code : failure.kind;
  if (code === 'AGENT_ID_IN_USE') {
    const previous = context.identity.proposal?.previous;
    propose(context, { hostId: context.random.uuid(), ...(previous !== undefined && { previous }) });
  }
  const before = context.facts().provisioning;
  const firstConflict = code === 'AGENT_ID_IN_USE' && !context.identity.conflict;
  context.identity.conflict = code === 'AGENT_ID_IN_USE';
  const provisioning = firstConflict
    ? { ...before, nextAt: now }
    : provisioningFailed(before, now, retryAfterMs(failure), longestPauseMs(failure));
  // A platform that said no will say it on any network. Who did not sign may have been this network.
  const heldUntil = failure.kind === 'api' && failure.verified ? provisioning.nextAt : 0;
  context.update({ provisioning: { ...provisioning, heldUntil } });
  const nextAt = toInstant(provisioning.nextAt);
  raiseRefusal(context, failure, code, nextAt);
  const reason = describeFailure(failure);
  context.log.warn(`provisioning failed: ${reason}; next attempt ${nextAt}`);
  context.emit({ name: 'provisioning failed', code, reason, nextAt });
}

function raiseRefusal(context: Context, failure: Failure, code: string, next: string): void {
  const now = context.clock.now();
  for (const other of REFUSALS) if (other !== code) context.conditions.clear(other);
  if (failure.kind !== 'api') {
    context.conditions.clear('PROVISIONING_FAILED');
    raiseConnection(context, failure, context.facts().provisioning.nextAt);
    return;
  }
  // The platform answered: whatever kept the connection from working is over.
  clearConnection(context);
  const known = REFUSALS.find((candidate) => candidate === code);
  if (known !== undefined) context.conditions.clear('PROVISIONING_FAILED');
  const { customerId = '', activationId = '' } = context.settings;
  context.conditions.raise(known ?? 'PROVISIONING_FAILED', now, {
    customerId,
    activationId,
    next,
    reason: describeFailure(failure),
  });
}
