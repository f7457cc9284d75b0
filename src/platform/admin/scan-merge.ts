import { parseUuid } from '../../shared/ids.ts';
import type { Records } from '../context.ts';
import { NotFound, Refused } from '../errors.ts';
import type { Customer } from '../store/customers.ts';
import { summaryOf } from './agents.ts';

/** Says for a customer, the first unless given, whether scanners may use correlation identifiers. Throws `NotFound`. */
export function setCorrelation(context: Records, accept: boolean, customer?: string): Customer {
  return context.store.transaction(() => {
    const changed = { ...requireCustomer(context, customer), correlation: accept };
    context.store.customers.put(changed);
    return changed;
  });
}

/**
 * The customer, the first unless given, if it accepts correlation identifiers (R277). To be asked before a host is.
 * Throws `NotFound`, `Refused`.
 */
export function requireCorrelation(context: Records, customer?: string): Customer {
  const found = requireCustomer(context, customer);
  if (found.correlation) return found;
  throw new Refused(
    `${found.name} declines correlation identifiers: nothing is read or looked up; "wayfarer-platform correlation accept" allows it`,
  );
}

/**
 * The agent whose host shows a correlation identifier. Throws `NotFound`, and `Refused` when the customer declines
 * identifiers or two agents show the same one, as a copied host does until it is told apart.
 */
export function correlate(context: Records, id: string, customer?: string) {
  const { id: owner } = requireCorrelation(context, customer);
  const correlationId = parseUuid(id);
  if (correlationId === undefined) throw new Refused('a correlation identifier is a UUID');
  const [agent, another] = context.store.agents.correlated(owner, correlationId);
  if (agent === undefined) throw new NotFound(`no agent reports the correlation identifier ${correlationId}`);
  if (another !== undefined) {
    throw new Refused(`${agent.id} and ${another.id} report the same correlation identifier`);
  }
  return { correlationId, ...summaryOf(context, agent) };
}

function requireCustomer(context: Records, id: string | undefined): Customer {
  const { customers } = context.store;
  const customer = id === undefined ? customers.list()[0] : customers.get(id);
  if (customer === undefined) throw new NotFound('there is no such customer; run "init" first');
  return customer;
}
