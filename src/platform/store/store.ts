import { join } from 'node:path';
import { agentStore } from './agents.ts';
import { assetChangeStore } from './asset-changes.ts';
import { customerStore } from './customers.ts';
import { openDatabase } from './database.ts';
import { documentStore } from './documents.ts';
import { eventSearchStore } from './event-search.ts';
import { eventStore } from './events.ts';
import { findingStore } from './findings.ts';
import { hostEventStore } from './host-events.ts';
import { metaStore } from './meta.ts';
import { profileStore } from './profiles.ts';
import { replayStore } from './replay.ts';
import { snapshotStore } from './snapshots.ts';
import { stagingStore } from './staging.ts';
import { uploadStore } from './uploads.ts';

/**
 * Opens `platform.db` in a data directory. The server and the command line tool may both have it open: nothing is
 * cached, every read is of the file. Throws when the file can't be opened or is of a newer version.
 */
export function openStore(dataDir: string) {
  const db = openDatabase(join(dataDir, 'platform.db'));
  return {
    meta: metaStore(db),
    customers: customerStore(db),
    agents: agentStore(db),
    profiles: profileStore(db),
    documents: documentStore(db),
    events: eventStore(db),
    hostEvents: hostEventStore(db),
    eventSearch: eventSearchStore(db),
    replay: replayStore(db),
    snapshots: snapshotStore(db),
    staging: stagingStore(db),
    uploads: uploadStore(db),
    findings: findingStore(db),
    assetChanges: assetChangeStore(db),
    /** Runs `work` in one transaction that takes the write lock at once; what it throws rolls it back. */
    transaction: <T>(work: () => T): T => db.transaction(work).immediate(),
    close: (): void => void db.close(),
  };
}
export type Store = ReturnType<typeof openStore>;
