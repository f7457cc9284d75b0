import type { ProvisionReply, ProvisionRequest } from '../../shared/wire.ts';
import { instant, type Context } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { Agent } from '../store/agents.ts';
import type { ActivationKey } from '../store/customers.ts';
import { currentConfig } from './config.ts';

/** Tag that every agent's host carries. */
export const AGENT_TAG = 'Cloud Agent';

/** New hardware or a new key for a known agent is believed only after it was silent for this many status intervals. */
const SILENT_INTERVALS = 2;

/**
 * Registers an agent, or recognises one (protocol, "Provision"). Proof that the sender owns `request.publicKey` is
 * the caller's to have checked. Throws `ApiError` 403 `CUSTOMER_UNKNOWN`, `KEY_UNKNOWN`, `KEY_EXPIRED`,
 * `KEY_EXHAUSTED`, 409 `AGENT_ID_IN_USE`.
 */
export function provision(context: Context, request: ProvisionRequest): ProvisionReply {
  return context.store.transaction(() => {
    const key = requireKey(context, request);
    const known = context.store.agents.get(request.proposedAgentId);
    const agent =
      known === undefined ? newAgent(context, request, key) : knownAgent(context, request, key, known);
    closePrevious(context, request);
    return replyFor(context, agent, key);
  });
}

/**
 * The activation key that a registration presents. Asked before the signature is looked at, too: without one of them
 * nobody can make the platform write anything. Throws 403 `CUSTOMER_UNKNOWN`, `KEY_UNKNOWN`.
 */
export function requireKey(context: Context, request: ProvisionRequest): ActivationKey {
  if (context.store.customers.get(request.customerId) === undefined) {
    throw new ApiError(403, 'CUSTOMER_UNKNOWN', `customer ${request.customerId} is not known here`);
  }
  const key = context.store.customers.key(request.activationId);
  if (key?.customer !== request.customerId || key.disabled) {
    throw new ApiError(
      403,
      'KEY_UNKNOWN',
      `activation key ${request.activationId} is not known or is disabled`,
    );
  }
  return key;
}

/** Whichever limit is reached first ends the key for further agents (R051–R053). */
function requireRoom(context: Context, key: ActivationKey): void {
  if (key.expiresAt !== null && context.now() >= key.expiresAt) {
    throw new ApiError(403, 'KEY_EXPIRED', `activation key ${key.id} expired on ${instant(key.expiresAt)}`);
  }
  if (key.maxAgents !== null && context.store.agents.countOfKey(key.id) >= key.maxAgents) {
    throw new ApiError(
      403,
      'KEY_EXHAUSTED',
      `activation key ${key.id} is used by ${key.maxAgents} agents already`,
    );
  }
}

function newAgent(context: Context, request: ProvisionRequest, key: ActivationKey): Agent {
  requireRoom(context, key);
  const agent = recordOf(context, request, key, [...key.modules]);
  context.store.agents.put(agent);
  context.store.events.addActivity(agent.id, 'Provisioned', context.now());
  return agent;
}

function knownAgent(context: Context, request: ProvisionRequest, key: ActivationKey, known: Agent): Agent {
  const sameKey = known.customer === request.customerId && known.publicKey === request.publicKey;
  const accepted = sameKey ? mayKeepKey(context, request, known) : mayReplaceKey(context, request, known);
  if (!accepted) {
    throw new ApiError(
      409,
      'AGENT_ID_IN_USE',
      `agent id ${request.proposedAgentId} belongs to another live host`,
    );
  }
  const moves = known.activationKey !== key.id;
  if (moves) requireRoom(context, key);
  const agent: Agent = {
    ...recordOf(context, request, key, moves ? [...key.modules] : [...known.modules]),
    lastCheckedIn: known.lastCheckedIn,
    state: known.state,
    status: known.status,
  };
  context.store.agents.put(agent);
  const detail = sameKey ? 'registered again' : `registered again with a new agent key (${request.reason})`;
  context.store.events.addActivity(agent.id, 'Provisioned', context.now(), detail);
  return agent;
}

/** The same key from other hardware is a copy of the disk, as long as the original is alive (R097). */
function mayKeepKey(context: Context, request: ProvisionRequest, known: Agent): boolean {
  return known.fingerprint === request.host.fingerprint || isSilent(context, known);
}

/** Reinstalled on the same host: everything matches but the key, and nobody has used the old one for a while (R017). */
function mayReplaceKey(context: Context, request: ProvisionRequest, known: Agent): boolean {
  const matches =
    known.customer === request.customerId &&
    known.activationKey === request.activationId &&
    known.fingerprint === request.host.fingerprint;
  if (!matches) return false;
  return isSilent(context, known);
}

function isSilent(context: Context, known: Agent): boolean {
  // An uninstalled agent has said with its old key that it will not use it again.
  if (known.uninstalledAt !== null) return true;
  const intervalMs = currentConfig(context, known).profile.statusIntervalSec * 1000;
  return context.now() - known.lastSeen >= SILENT_INTERVALS * intervalMs;
}

function recordOf(context: Context, request: ProvisionRequest, key: ActivationKey, modules: string[]): Agent {
  const now = context.now();
  return {
    id: request.proposedAgentId,
    customer: request.customerId,
    activationKey: key.id,
    publicKey: request.publicKey,
    fingerprint: request.host.fingerprint,
    hostname: request.host.hostname,
    host: request.host,
    tags: [...new Set([AGENT_TAG, ...key.tags])],
    modules,
    counter: -1,
    provisionedAt: now,
    lastCheckedIn: null,
    lastSeen: now,
    state: 'provisioned',
    status: {},
    agentVersion: request.agentVersion,
    uninstalledAt: null,
    correlationId: null,
  };
}

/**
 * A host that was told to take a new id leaves its old record behind, last checked in at this moment (R104). Only one
 * that an administrator told so: the original of a clone lives on under that id, on other hardware or on the like.
 */
function closePrevious(context: Context, request: ProvisionRequest): void {
  if (request.previousAgentId === undefined || request.previousAgentId === request.proposedAgentId) return;
  const previous = context.store.agents.get(request.previousAgentId);
  if (previous?.customer !== request.customerId || previous.fingerprint !== request.host.fingerprint) return;
  if (!context.store.events.wasIssued(previous.id, 'REPROVISION')) return;
  context.store.agents.put({ ...previous, lastCheckedIn: context.now() });
}

function replyFor(context: Context, agent: Agent, key: ActivationKey): ProvisionReply {
  const config = currentConfig(context, agent);
  return {
    agentId: agent.id,
    platformPublicKey: context.signing.publicKey,
    activationTitle: key.title,
    tags: [...agent.tags],
    modules: [...agent.modules],
    configVersion: config.version,
    statusIntervalSec: config.profile.statusIntervalSec,
    serverTime: instant(context.now()),
  };
}
