import type { HostFacts } from '../../shared/wire.ts';
import { fromJson, toJson, type Db } from './database.ts';

/** What the platform knows of one agent. Times in ms since the epoch. */
export interface Agent {
  readonly id: string;
  readonly customer: string;
  readonly activationKey: string;
  readonly publicKey: string;
  /** Full hardware fingerprint, 64 hexadecimal digits; a heartbeat carries its first eight. */
  readonly fingerprint: string;
  readonly hostname: string;
  readonly host: HostFacts;
  readonly tags: readonly string[];
  readonly modules: readonly string[];
  /** Highest heartbeat counter accepted under this key; −1 before the first. */
  readonly counter: number;
  readonly provisionedAt: number;
  /** Last accepted heartbeat; `null` until the first (R117). */
  readonly lastCheckedIn: number | null;
  /** Last signed request of any kind: what "silent" is measured from. */
  readonly lastSeen: number;
  readonly state: string;
  /** What the last heartbeat said beyond its own columns. */
  readonly status: Readonly<Record<string, unknown>>;
  readonly agentVersion: string;
  readonly uninstalledAt: number | null;
  /** What scanners read from the host; `null` while its last heartbeat names none. */
  readonly correlationId: string | null;
}

type AgentRow = Omit<Agent, 'host' | 'tags' | 'modules' | 'status'> &
  Record<'host' | 'tags' | 'modules' | 'status', string>;

function agentOf(row: AgentRow): Agent {
  return {
    ...row,
    host: fromJson(row.host) as HostFacts,
    tags: fromJson(row.tags) as string[],
    modules: fromJson(row.modules) as string[],
    status: fromJson(row.status) as Record<string, unknown>,
  };
}

function rowOf(agent: Agent): AgentRow {
  return {
    ...agent,
    host: toJson(agent.host),
    tags: toJson(agent.tags),
    modules: toJson(agent.modules),
    status: toJson(agent.status),
  };
}

/** The agents' records. */
export function agentStore(db: Db) {
  const get = db.prepare<[string], AgentRow>('SELECT * FROM agents WHERE id = ?');
  const list = db.prepare<[], AgentRow>('SELECT * FROM agents ORDER BY provisionedAt, id');
  const named = db.prepare<[string, string], AgentRow>(
    'SELECT * FROM agents WHERE id = ? OR hostname = ? COLLATE NOCASE ORDER BY lastSeen DESC',
  );
  const ofKey = db.prepare<[string], AgentRow>('SELECT * FROM agents WHERE activationKey = ?');
  const correlated = db.prepare<[string, string], AgentRow>(
    'SELECT * FROM agents WHERE customer = ? AND correlationId = ?',
  );
  const count = db.prepare<[string], { n: number }>(
    'SELECT count(*) AS n FROM agents WHERE activationKey = ?',
  );
  const touch = db.prepare<[number, string]>('UPDATE agents SET lastSeen = ? WHERE id = ?');
  const put = db.prepare<[AgentRow]>(
    `INSERT INTO agents (id, customer, activationKey, publicKey, fingerprint, hostname, host, tags, modules, counter,
       provisionedAt, lastCheckedIn, lastSeen, state, status, agentVersion, uninstalledAt, correlationId)
     VALUES (@id, @customer, @activationKey, @publicKey, @fingerprint, @hostname, @host, @tags, @modules, @counter,
       @provisionedAt, @lastCheckedIn, @lastSeen, @state, @status, @agentVersion, @uninstalledAt, @correlationId)
     ON CONFLICT (id) DO UPDATE SET customer = @customer, activationKey = @activationKey, publicKey = @publicKey,
       fingerprint = @fingerprint, hostname = @hostname, host = @host, tags = @tags, modules = @modules,
       counter = @counter, provisionedAt = @provisionedAt, lastCheckedIn = @lastCheckedIn, lastSeen = @lastSeen,
       state = @state, status = @status, agentVersion = @agentVersion, uninstalledAt = @uninstalledAt,
       correlationId = @correlationId`,
  );
  return {
    get(id: string): Agent | undefined {
      const row = get.get(id);
      return row === undefined ? undefined : agentOf(row);
    },
    list: (): Agent[] => list.all().map(agentOf),
    /** The agents that an administrator means by an id or a host name, the most recently seen first. */
    named: (name: string): Agent[] => named.all(name, name).map(agentOf),
    ofKey: (activationKey: string): Agent[] => ofKey.all(activationKey).map(agentOf),
    /** Agents of a customer whose last heartbeat named this correlation identifier: one, unless a host was copied. */
    correlated: (customer: string, correlationId: string): Agent[] =>
      correlated.all(customer, correlationId).map(agentOf),
    countOfKey: (activationKey: string): number => count.get(activationKey)?.n ?? 0,
    put: (agent: Agent): void => void put.run(rowOf(agent)),
    touch: (id: string, at: number): void => void touch.run(at, id),
  };
}
