import { randomUUID } from 'node:crypto';
import { ProfileSchema } from '../../shared/profile.ts';
import type { Records } from '../context.ts';
import type { Customer } from '../store/customers.ts';
import { createKey, listKeys, type KeyView } from './keys.ts';

const DEFAULT_PROFILE = 'Default profile';

/** Creates a customer with its default profile of all defaults (R131). */
export function createCustomer(context: Records, name: string): Customer {
  // Declined until somebody accepts it: the identifier is the customer's to have read or not (R277).
  const customer: Customer = { id: randomUUID(), name, createdAt: context.now(), correlation: false };
  context.store.transaction(() => {
    context.store.customers.put(customer);
    context.store.profiles.put({
      customer: customer.id,
      position: 0,
      isDefault: true,
      includeTags: [],
      excludeTags: [],
      hostNames: [],
      profile: ProfileSchema.parse({ id: randomUUID(), name: DEFAULT_PROFILE }),
    });
  });
  return customer;
}

/** The first customer, created when there is none. */
export function ensureCustomer(context: Records): Customer {
  return context.store.customers.list()[0] ?? createCustomer(context, 'Default customer');
}

/** What an installation needs: a customer and an activation key. Made when there are none; changes nothing else. */
export function init(context: Records): { readonly customer: Customer; readonly key: KeyView } {
  return context.store.transaction(() => {
    const customer = ensureCustomer(context);
    const key =
      listKeys(context).find((one) => one.customer === customer.id && !one.disabled) ??
      createKey(context, { title: 'Default key', modules: ['AI', 'VM', 'PC'], customer: customer.id });
    return { customer, key };
  });
}
