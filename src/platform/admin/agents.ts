import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Records } from '../context.ts';
import { currentConfig } from '../agents/config.ts';
import { LOG_LEVELS } from '../../shared/profile.ts';
import { MANIFEST_TYPES, MODULES, servicesOfModules } from '../../shared/modules.ts';
import { NotFound, Refused } from '../errors.ts';
import type { Agent } from '../store/agents.ts';
import type { QueuedCommand } from '../store/events.ts';
import { eventState } from './event-state.ts';
import { ModuleList, moduleSet, parseInput } from './input.ts';

/** Commands that an administrator may issue (protocol, "Status"). */
export const COMMAND_TYPES = [
  'REPROVISION',
  'RESYNC',
  'SYNC_CHECK',
  'ACTIVATE',
  'DEACTIVATE',
  'UPGRADE',
  'UNINSTALL',
  'SCAN_NOW',
  'COLLECT_LOGS',
  'SET_LOG_LEVEL',
] as const;

const MAX_WAITING = 100;
const MAX_ARGS_BYTES = 512;

const Args = z.record(z.string().max(64), z.unknown());
const CommandInput = z.object({
  type: z.enum(COMMAND_TYPES, { error: `must be one of ${COMMAND_TYPES.join(', ')}` }),
  args: Args.default({}),
});
const ModuleArg = z.strictObject({ module: z.enum(MODULES) });
const None = z.strictObject({});
/** Arguments of the commands that agents know; a name that an agent would not look at must not pass for one. */
const ARGS: Readonly<Partial<Record<(typeof COMMAND_TYPES)[number], z.ZodType>>> = {
  ACTIVATE: ModuleArg,
  DEACTIVATE: ModuleArg,
  /** Manifest types, all active ones unless given. */
  RESYNC: z.strictObject({ types: z.array(z.enum(MANIFEST_TYPES)).min(1) }).partial(),
  SYNC_CHECK: None,
  REPROVISION: None,
  UNINSTALL: None,
  COLLECT_LOGS: None,
  /** The end is not optional: nobody remembers a trace that fills a disk. */
  SET_LOG_LEVEL: z.strictObject({ level: z.enum(LOG_LEVELS), until: z.iso.datetime({ offset: true }) }),
};

/** The agent that an id or a host name means; of several with one name the most recently seen. Throws `NotFound`. */
export function requireAgent(context: Records, name: string): Agent {
  const agent = context.store.agents.named(name)[0];
  if (agent === undefined) throw new NotFound(`there is no agent "${name}": give an agent id or a host name`);
  return agent;
}

/** One line of the agents' list (R117, R124). */
export function summaryOf(context: Records, agent: Agent) {
  const last = context.store.events.activities(agent.id, 1)[0];
  return {
    id: agent.id,
    hostname: agent.hostname,
    os: `${agent.host.os} ${agent.host.osVersion}`.trim(),
    agentVersion: agent.agentVersion,
    state: agent.uninstalledAt === null ? agent.state : 'uninstalled',
    activationKey: agent.activationKey,
    modules: agent.modules,
    services: servicesOfModules(agent.modules),
    tags: agent.tags,
    lastActivity: last === undefined ? null : { activity: last.activity, at: last.at },
    lastCheckedIn: agent.lastCheckedIn,
  };
}

export const listAgents = (context: Records) =>
  context.store.agents.list().map((agent) => summaryOf(context, agent));

/** The archives of logs that an agent sent, the newest first. Throws `NotFound`. */
export function listLogs(context: Records, name: string) {
  const agent = requireAgent(context, name);
  return context.store.uploads.received(agent.id, 'logs').map(({ id, bytes, at, chunks }) => ({
    upload: id,
    agent: agent.id,
    at,
    bytes,
    chunks,
  }));
}

/** Everything the platform knows of one agent. Throws `NotFound`. */
export function showAgent(context: Records, name: string) {
  const agent = requireAgent(context, name);
  const { store } = context;
  const types = Object.fromEntries(
    store.snapshots.heads(agent.id).map((head) => {
      const tables = store.snapshots.counts(head.id);
      const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
      const { seq, root, committedAt, processedSeq, processedAt } = head;
      return [head.type, { seq, root, rows, tables, committedAt, processedSeq, processedAt }];
    }),
  );
  const config = store.transaction(() => currentConfig(context, agent));
  const { publicKey: _publicKey, ...record } = agent;
  const events = eventState(context, agent.id);
  const stored = (name: string): number => events.streams.find(({ stream }) => stream === name)?.events ?? 0;
  return {
    ...record,
    ...summaryOf(context, agent),
    profile: { id: config.profile.id, name: config.profile.name, version: config.version },
    types,
    commands: store.events.commands(agent.id).slice(0, 20),
    streams: {
      fim: stored('fim'),
      edr: stored('edr'),
      logs: store.uploads.received(agent.id, 'logs').length,
    },
    eventStreams: events.streams,
    eventFaults: events.faults,
    gaps: [...store.events.gaps(agent.id), ...events.gaps],
  };
}

/**
 * Changes which modules are active on an agent, and tells it so by `ACTIVATE` and `DEACTIVATE` with its next
 * heartbeat. Throws `NotFound`, `Refused` (R045).
 */
export function changeModules(context: Records, name: string, modules: readonly string[]) {
  const wanted = parseInput(ModuleList, modules);
  return context.store.transaction(() => {
    const agent = requireAgent(context, name);
    setModules(context, agent, wanted);
    return summaryOf(context, requireAgent(context, agent.id));
  });
}

/** Like `changeModules`, inside the caller's transaction and for a record at hand. */
export function setModules(context: Records, agent: Agent, modules: readonly string[]): void {
  const wanted = moduleSet(modules);
  const tell = (type: 'ACTIVATE' | 'DEACTIVATE', module: string): void => {
    context.store.events.dropSwitches(agent.id, module);
    context.store.events.addCommand(agent.id, randomUUID(), type, { module }, context.now());
  };
  for (const module of agent.modules) if (!wanted.includes(module)) tell('DEACTIVATE', module);
  for (const module of wanted) if (!agent.modules.includes(module)) tell('ACTIVATE', module);
  context.store.agents.put({ ...agent, modules: wanted });
}

/**
 * Queues a command for an agent's next heartbeat. `ACTIVATE` and `DEACTIVATE` with `{module}` change the record as
 * well. Returns the command. Throws `NotFound`, `Refused`.
 */
export function issueCommand(
  context: Records,
  name: string,
  input: z.input<typeof CommandInput>,
): QueuedCommand | undefined {
  const { type, args } = parseInput(CommandInput, input);
  parseInput(ARGS[type] ?? Args, args);
  if (JSON.stringify(args).length > MAX_ARGS_BYTES) throw new Refused('the arguments are too long');
  return context.store.transaction(() => {
    const agent = requireAgent(context, name);
    if (agent.uninstalledAt !== null) {
      throw new Refused(`agent ${agent.id} was uninstalled: it will not ask for commands any more`);
    }
    if (context.store.events.waiting(agent.id, MAX_WAITING).length === MAX_WAITING) {
      throw new Refused(`${MAX_WAITING} commands are waiting for this agent already`);
    }
    if (type === 'ACTIVATE' || type === 'DEACTIVATE') {
      const { module } = parseInput(ModuleArg, args);
      switchModule(context, agent, module, type === 'ACTIVATE');
    } else {
      context.store.events.addCommand(agent.id, randomUUID(), type, args, context.now());
    }
    return context.store.events.commands(agent.id)[0];
  });
}

function switchModule(context: Records, agent: Agent, module: string, on: boolean): void {
  if (agent.modules.includes(module) === on) {
    throw new Refused(`${module} is ${on ? 'active' : 'not active'} on this agent already`);
  }
  if (module === 'AI') throw new Refused('AI (inventory) is always active');
  const rest = agent.modules.filter((one) => one !== module);
  setModules(context, agent, parseInput(ModuleList, on ? [...rest, module] : rest));
}
