import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Instant, Uuid } from '../../shared/ids.ts';
import type { Records } from '../context.ts';
import { NotFound, Refused } from '../errors.ts';
import type { ActivationKey } from '../store/customers.ts';
import { setModules } from './agents.ts';
import { ModuleList, TagList, moduleSet, parseInput } from './input.ts';

const Fields = z.object({
  title: z.string().trim().min(1).max(200),
  modules: ModuleList,
  tags: TagList,
  /** `null`: unlimited (R050). */
  maxAgents: z.number().int().min(1).max(10_000_000).nullable(),
  expiresAt: Instant.nullable(),
  disabled: z.boolean(),
});

export const CreateKey = Fields.partial().required({ title: true }).extend({ customer: Uuid.optional() });
export const EditKey = Fields.partial().extend({
  /** Also change the modules of agents that registered with this key (R057). */
  applyToAgents: z.boolean().optional(),
});

/** An activation key with how many agents use it. */
export interface KeyView extends ActivationKey {
  readonly agents: number;
}

export function listKeys(context: Records): KeyView[] {
  return context.store.customers.keys().map((key) => viewOf(context, key));
}

/** Creates a key (R038, R041, R042); unlimited unless told otherwise. Throws `Refused`. */
export function createKey(context: Records, input: z.input<typeof CreateKey>): KeyView {
  const given = parseInput(CreateKey, input);
  const key: ActivationKey = {
    id: randomUUID(),
    customer: customerFor(context, given.customer),
    title: given.title,
    modules: moduleSet(given.modules ?? ['AI', 'VM']),
    tags: given.tags ?? [],
    maxAgents: given.maxAgents ?? null,
    expiresAt: toMs(given.expiresAt ?? null),
    disabled: given.disabled ?? false,
    createdAt: context.now(),
  };
  context.store.customers.putKey(key);
  return viewOf(context, key);
}

function customerFor(context: Records, id: string | undefined): string {
  const customers = context.store.customers.list();
  const customer = id === undefined ? customers[0] : customers.find((one) => one.id === id);
  if (customer === undefined) throw new Refused('there is no such customer; run "init" first');
  return customer.id;
}

/**
 * Changes a key. New modules hold for agents that register from now on; with `applyToAgents` for those that have,
 * too (R057). Throws `NotFound`, `Refused`.
 */
export function editKey(context: Records, id: string, input: z.input<typeof EditKey>): KeyView {
  const { applyToAgents = false, ...given } = parseInput(EditKey, input);
  return context.store.transaction(() => {
    const before = requireKey(context, id);
    const key: ActivationKey = {
      ...before,
      title: given.title ?? before.title,
      modules: moduleSet(given.modules ?? before.modules),
      tags: given.tags ?? before.tags,
      maxAgents: given.maxAgents === undefined ? before.maxAgents : given.maxAgents,
      expiresAt: given.expiresAt === undefined ? before.expiresAt : toMs(given.expiresAt),
      disabled: given.disabled ?? before.disabled,
    };
    context.store.customers.putKey(key);
    if (applyToAgents) {
      for (const agent of context.store.agents.ofKey(id)) {
        const own = agent.tags.filter((tag) => !before.tags.includes(tag));
        const retagged = { ...agent, tags: [...new Set([...own, ...key.tags])] };
        context.store.agents.put(retagged);
        setModules(context, retagged, key.modules);
      }
    }
    return viewOf(context, key);
  });
}

function requireKey(context: Records, id: string): ActivationKey {
  const key = context.store.customers.key(id);
  if (key === undefined) throw new NotFound(`there is no activation key ${id}`);
  return key;
}

const viewOf = (context: Records, key: ActivationKey): KeyView => ({
  ...key,
  agents: context.store.agents.countOfKey(key.id),
});

const toMs = (instant: string | null): number | null => (instant === null ? null : Date.parse(instant));
