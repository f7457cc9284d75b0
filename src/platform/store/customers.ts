import { fromJson, toJson, type Db } from './database.ts';

export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  /** Whether scanners may read and use the correlation identifiers of the customer's agents (R277). */
  readonly correlation: boolean;
}

type CustomerRow = Omit<Customer, 'correlation'> & { readonly correlation: number };

const customerOf = (row: CustomerRow): Customer => ({ ...row, correlation: row.correlation === 1 });

/** An activation key (R038–R053). `null` limits mean unlimited (R050); times in ms since the epoch. */
export interface ActivationKey {
  readonly id: string;
  readonly customer: string;
  readonly title: string;
  readonly modules: readonly string[];
  readonly tags: readonly string[];
  readonly maxAgents: number | null;
  readonly expiresAt: number | null;
  readonly disabled: boolean;
  readonly createdAt: number;
}

type KeyRow = Omit<ActivationKey, 'modules' | 'tags' | 'disabled'> & {
  readonly modules: string;
  readonly tags: string;
  readonly disabled: number;
};

function keyOf(row: KeyRow): ActivationKey {
  return {
    ...row,
    modules: fromJson(row.modules) as string[],
    tags: fromJson(row.tags) as string[],
    disabled: row.disabled === 1,
  };
}

function rowOf(key: ActivationKey): KeyRow {
  return { ...key, modules: toJson(key.modules), tags: toJson(key.tags), disabled: key.disabled ? 1 : 0 };
}

/** Customers and their activation keys. */
export function customerStore(db: Db) {
  const customers = db.prepare<[], CustomerRow>('SELECT * FROM customers ORDER BY createdAt, id');
  const customer = db.prepare<[string], CustomerRow>('SELECT * FROM customers WHERE id = ?');
  const putCustomer = db.prepare<[CustomerRow]>(
    `INSERT INTO customers (id, name, createdAt, correlation) VALUES (@id, @name, @createdAt, @correlation)
     ON CONFLICT (id) DO UPDATE SET name = @name, correlation = @correlation`,
  );
  const keys = db.prepare<[], KeyRow>('SELECT * FROM activation_keys ORDER BY createdAt, id');
  const key = db.prepare<[string], KeyRow>('SELECT * FROM activation_keys WHERE id = ?');
  const putKey = db.prepare<[KeyRow]>(
    `INSERT INTO activation_keys (id, customer, title, modules, tags, maxAgents, expiresAt, disabled, createdAt)
     VALUES (@id, @customer, @title, @modules, @tags, @maxAgents, @expiresAt, @disabled, @createdAt)
     ON CONFLICT (id) DO UPDATE SET title = @title, modules = @modules, tags = @tags, maxAgents = @maxAgents,
       expiresAt = @expiresAt, disabled = @disabled`,
  );
  return {
    list: (): Customer[] => customers.all().map(customerOf),
    get(id: string): Customer | undefined {
      const row = customer.get(id);
      return row === undefined ? undefined : customerOf(row);
    },
    put: (value: Customer): void =>
      void putCustomer.run({ ...value, correlation: value.correlation ? 1 : 0 }),
    keys: (): ActivationKey[] => keys.all().map(keyOf),
    key(id: string): ActivationKey | undefined {
      const row = key.get(id);
      return row === undefined ? undefined : keyOf(row);
    },
    putKey: (value: ActivationKey): void => void putKey.run(rowOf(value)),
  };
}
