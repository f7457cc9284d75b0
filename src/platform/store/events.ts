import { fromJson, toJson, type Db } from './database.ts';

/** A command for an agent, waiting until the agent acknowledges it. */
export interface QueuedCommand {
  readonly id: string;
  readonly agent: string;
  readonly type: string;
  readonly args: Record<string, unknown>;
  readonly createdAt: number;
  readonly acknowledgedAt: number | null;
  readonly result: string | null;
  readonly detail: string | null;
}

export interface ActivityRecord {
  readonly activity: string;
  readonly detail: string | null;
  readonly at: number;
}

/** Newest activities and records kept per agent. */
const KEPT_PER_AGENT = 10_000;

type CommandRow = Omit<QueuedCommand, 'args'> & { readonly args: string };
const commandOf = (row: CommandRow): QueuedCommand => ({
  ...row,
  args: fromJson(row.args) as Record<string, unknown>,
});

/** Commands to agents, what agents acknowledged, and their life-cycle activities. */
export function eventStore(db: Db) {
  const addCommand = db.prepare<[string, string, string, string, number]>(
    'INSERT INTO commands (id, agent, type, args, createdAt) VALUES (?, ?, ?, ?, ?)',
  );
  const waiting = db.prepare<[string, number], CommandRow>(
    'SELECT * FROM commands WHERE agent = ? AND acknowledgedAt IS NULL ORDER BY createdAt, rowid LIMIT ?',
  );
  const commands = db.prepare<[string], CommandRow>(
    'SELECT * FROM commands WHERE agent = ? ORDER BY createdAt DESC, rowid DESC LIMIT 1000',
  );
  const acknowledge = db.prepare<[number, string, string | null, string, string]>(
    `UPDATE commands SET acknowledgedAt = ?, result = ?, detail = ?
     WHERE id = ? AND agent = ? AND acknowledgedAt IS NULL`,
  );
  const dropSwitches = db.prepare<[string, string]>(
    `DELETE FROM commands WHERE agent = ? AND acknowledgedAt IS NULL AND type IN ('ACTIVATE', 'DEACTIVATE')
       AND json_extract(args, '$.module') = ?`,
  );
  const issued = db.prepare<[string, string], { n: number }>(
    'SELECT count(*) AS n FROM commands WHERE agent = ? AND type = ?',
  );
  const trimCommands = db.prepare<[string, number]>(
    `DELETE FROM commands WHERE id IN
       (SELECT id FROM commands WHERE agent = ? AND acknowledgedAt IS NOT NULL
        ORDER BY acknowledgedAt DESC, rowid DESC LIMIT -1 OFFSET ?)`,
  );
  const addActivity = db.prepare<[string, string, string | null, number]>(
    'INSERT INTO activities (agent, activity, detail, at) VALUES (?, ?, ?, ?)',
  );
  const trimActivities = db.prepare<[string, string, number]>(
    `DELETE FROM activities WHERE agent = ? AND id <=
       (SELECT id FROM activities WHERE agent = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
  );
  const activities = db.prepare<[string, number], ActivityRecord>(
    'SELECT activity, detail, at FROM activities WHERE agent = ? ORDER BY at DESC, id DESC LIMIT ?',
  );
  const addRecord = db.prepare<[string, string, string, string, number]>(
    'INSERT OR IGNORE INTO records (id, agent, kind, record, at) VALUES (?, ?, ?, ?, ?)',
  );
  const gaps = db.prepare<[string], { record: string }>(
    "SELECT record FROM records WHERE agent = ? AND kind = 'gap' ORDER BY at DESC LIMIT 1000",
  );
  const trimRecords = db.prepare<[string, string, number]>(
    `DELETE FROM records WHERE agent = ? AND at <
       (SELECT at FROM records WHERE agent = ? ORDER BY at DESC LIMIT 1 OFFSET ?)`,
  );
  return {
    addCommand: (agent: string, id: string, type: string, args: Record<string, unknown>, now: number): void =>
      void addCommand.run(id, agent, type, toJson(args), now),
    /** Commands not yet acknowledged, the oldest first. */
    waiting: (agent: string, limit: number): QueuedCommand[] => waiting.all(agent, limit).map(commandOf),
    commands: (agent: string): QueuedCommand[] => commands.all(agent).map(commandOf),
    /** What the agent made of a command; only its own, and only the first word on it. */
    acknowledge: (agent: string, id: string, result: string, detail: string | null, now: number): void =>
      void acknowledge.run(now, result, detail, id, agent),
    /** Forgets acknowledged commands of an agent, but for the newest `kept`. */
    trimCommands: (agent: string, kept: number): void => void trimCommands.run(agent, kept),
    /** Takes back what waits about a module: only the last word counts. */
    dropSwitches: (agent: string, module: string): void => void dropSwitches.run(agent, module),
    /** Whether an administrator gave an agent a command of this type. */
    wasIssued: (agent: string, type: string): boolean => (issued.get(agent, type)?.n ?? 0) > 0,
    addActivity(agent: string, activity: string, at: number, detail: string | null = null): void {
      addActivity.run(agent, activity, detail, at);
      trimActivities.run(agent, agent, KEPT_PER_AGENT);
    },
    activities: (agent: string, limit = 100): ActivityRecord[] => activities.all(agent, limit),
    /** Stores an acknowledgement record once per id; `false` when it was there already. */
    addRecord(agent: string, id: string, kind: string, record: unknown, at: number): boolean {
      return addRecord.run(id, agent, kind, toJson(record), at).changes === 1;
    },
    trimRecords: (agent: string): void => void trimRecords.run(agent, agent, KEPT_PER_AGENT),
    gaps: (agent: string): unknown[] => gaps.all(agent).map((row) => fromJson(row.record)),
  };
}
