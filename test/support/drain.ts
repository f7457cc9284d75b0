import { join } from 'node:path';
import Database from 'better-sqlite3';
import { memoryOf } from '../../bench/support/process-cost.ts';
import { Site } from './site.ts';

/** How a queue that grew off-line went out, and what of it arrived. */
export interface DrainReport {
  readonly records: number;
  /** Numbers of the records in the order in which the platform took them. */
  readonly arrived: readonly number[];
  readonly queuedBytes: number;
  /** Seconds that queueing took, and the draining from the platform's return to an empty queue. */
  readonly queueSec: number;
  readonly drainSec: number;
  /** Bytes of record bodies that the platform took, per second of the drain, KB (1024 bytes). */
  readonly kbPerSec: number;
  /** Proportional set size of the agent while draining: at the start, and the largest later on, MB. */
  readonly startMb: number;
  readonly peakMb: number;
}

/**
 * An agent that loses its platform, queues `records` activities, and delivers them through the network throttle once the
 * platform is back (256 KB/s: `throttleKbps`).
 */
export async function drain(options: { records: number; throttleKbps: number }): Promise<DrainReport> {
  const site = new Site();
  site.service = ['test/support/queueing-agent.ts'];
  try {
    await site.startPlatform();
    const [profile] = await site.platform<{ profile: { id: string } }[]>('profiles', 'list');
    const throttle = `networkThrottleTxKbps=${String(options.throttleKbps)}`;
    await site.platform('profiles', 'edit', profile?.profile.id ?? '', throttle);
    site.startAgent({ WAYFARER_RECORDS: String(options.records) });
    await site.untilSynced(120_000);
    keepLedger(site.platformDir);
    await site.end('platform', 'SIGKILL');
    const queueing = Date.now();
    const queued = await site.until(
      'everything queued',
      async () => {
        const { queue } = await site.status();
        return queue.records >= options.records ? queue : undefined;
      },
      900_000,
    );
    const queueSec = (Date.now() - queueing) / 1000;
    await site.startPlatform();
    const draining = Date.now();
    const startMb = memoryOf(site.agentPid).pssMb;
    let peakMb = startMb;
    await site.until(
      'an empty queue',
      async () => {
        peakMb = Math.max(peakMb, memoryOf(site.agentPid).pssMb);
        return (await site.status()).queue.records === 0 ? true : undefined;
      },
      1_800_000,
    );
    const drainSec = (Date.now() - draining) / 1000;
    const { numbers, bytes } = ledger(site.platformDir);
    return {
      records: options.records,
      arrived: numbers,
      queuedBytes: queued.bytes,
      queueSec,
      drainSec,
      kbPerSec: bytes / 1024 / drainSec,
      startMb,
      peakMb,
    };
  } finally {
    await site.close();
  }
}

/** The platform keeps the newest activities only: a trigger of the test writes down each as it is stored. */
function keepLedger(platformDir: string): void {
  const db = new Database(join(platformDir, 'platform.db'), { timeout: 10_000 });
  db.exec(`CREATE TABLE ledger (n INTEGER PRIMARY KEY, detail TEXT, bytes INTEGER);
    CREATE TRIGGER ledger AFTER INSERT ON records WHEN new.record ->> 'detail' LIKE 'offline %' BEGIN
      INSERT INTO ledger (detail, bytes) VALUES (new.record ->> 'detail', length(new.record));
    END`);
  db.close();
}

function ledger(platformDir: string): { numbers: number[]; bytes: number } {
  const db = new Database(join(platformDir, 'platform.db'), { readonly: true, timeout: 10_000 });
  const rows = db
    .prepare<[], { detail: string; bytes: number }>('SELECT detail, bytes FROM ledger ORDER BY n')
    .all();
  db.close();
  return {
    numbers: rows.map(({ detail }) => Number(/\d+/.exec(detail)?.[0])),
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
  };
}
