import { z } from 'zod';
import { UnsafeFile } from '../host/atomic-file.ts';
import { readHostId, type HostIdRead } from '../host/host-id.ts';
import { IdentityFiles } from '../host/identity.ts';
import { isUsable } from '../host/settings.ts';
import { openStore, type Store } from '../queue/open.ts';
import type { Identity } from './context.ts';
import { AgentCore } from './core.ts';
import type { CoreOptions } from './core-options.ts';
import { DEVELOPMENT_SWITCH } from './development.ts';
import { initialFacts, isRegistered } from './initial-facts.ts';
import { keptProposal } from './provisioning.ts';
import { RECORDS_STREAM } from './drops.ts';
import { RECORDS_MAX_BYTES } from './records.ts';
import { noteCaFile } from './route-conditions.ts';
import { theWorld, type Connection, type ConnectPorts, type World } from './world.ts';

const MB = 1024 * 1024;

/** A core that is ready to start, and what closes it again. */
export interface OpenedCore {
  readonly core: AgentCore;
  /** Stops the core and closes what it had open. */
  readonly close: () => Promise<void>;
}

/**
 * Puts a core together from what is on the disk. The caller holds the lock of the data directory. Throws `StoreError`
 * when the database can't be used for another reason than damage, and what the file system throws.
 */
export async function openCore(options: CoreOptions, world: World = theWorld): Promise<OpenedCore> {
  const { paths, settings, clock, random, log } = options;
  const { store, quarantined } = await openStore(paths.dataDir, {
    now: clock.now,
    newId: random.uuid,
    warn: log.warn,
  });
  store.events.setLimit(RECORDS_STREAM, RECORDS_MAX_BYTES);
  const hostId = readHostIdFile(paths.hostIdFile);
  const identityFiles = new IdentityFiles(paths.dataDir);
  const identity = loadIdentity(identityFiles, hostId, store);
  const network = world.openNetwork(options);
  const connection = world.connect(options, {
    caller: () => ({
      customerId: settings.customerId ?? '',
      agentId: identity.registration?.hostId ?? '',
      keyPair: identity.keyPair,
      platformKey: settings.platformKey ?? identity.registration?.platformKey,
    }),
    profile: () => core.context.facts().profile,
    suffixes: async () => (await network.state()).dnsSuffixes,
    knownIssuer: issuerKeptIn(store),
    onRoutes: (tried, problems) => {
      core.routesTried(tried, problems, connection.caFileProblem());
    },
  });
  const { platform, client } = connection;
  const configured = isUsable(settings) && hostId.state !== 'invalid';
  const provisioned = isRegistered(
    store,
    identity.registration,
    identity.keyPair.keyId,
    identity.storedHostId,
  );
  const core: AgentCore = new AgentCore({
    ...options,
    store,
    identityFiles,
    identity,
    host: await world.readHost(),
    localTime: world.openLocalTime(options),
    platform,
    client,
    around: { network, watchSettings: connection.watchSettings, reconnect: connection.reconnect },
    readPower: world.readPower,
    scanKeys: world.openScanKeys(options),
    facts: initialFacts(store, {
      now: clock.now(),
      configured,
      provisioned,
      meteredLimitBytes: settings.meteredUploadLimitMb * MB,
      development: options.development,
    }),
  });
  noteCaFile(core.context, connection.caFileProblem());
  raiseAtStart(core, options, { quarantined, hostId });
  return { core, close: () => close(core, client, store) };
}

async function close(core: AgentCore, client: Connection['client'], store: Store): Promise<void> {
  // First the connection: an exchange that nobody answers would hold the end.
  await Promise.all([core.stop(), client.close()]);
  store.close();
}

/** The platform's issuer outlives a restart: a sign-in page may be the first that a laptop meets. */
function issuerKeptIn({ kv }: Store): ConnectPorts['knownIssuer'] {
  return {
    get: () => kv.get('platformIssuer', z.string()),
    set: (issuer) => {
      kv.set('platformIssuer', issuer);
    },
  };
}

function readHostIdFile(path: string): HostIdRead {
  try {
    return readHostId(path);
  } catch (error) {
    if (error instanceof UnsafeFile) return { state: 'invalid' };
    throw error;
  }
}

/** A Host ID that is there already is proposed, never replaced (R017). */
function loadIdentity(files: IdentityFiles, hostId: HostIdRead, store: Store): Identity {
  const storedHostId = hostId.state === 'present' ? hostId.hostId : undefined;
  return {
    keyPair: files.keyPair(),
    registration: files.registration(),
    storedHostId,
    proposal: keptProposal(store, storedHostId),
    conflict: false,
  };
}

function raiseAtStart(
  core: AgentCore,
  options: CoreOptions,
  found: { quarantined: string | undefined; hostId: HostIdRead },
): void {
  const { conditions } = core.context;
  const { settings, paths, clock, development } = options;
  const now = clock.now();
  core.settingConditions.note(settings);
  if (found.hostId.state === 'invalid') conditions.raise('HOST_ID_INVALID', now, { file: paths.hostIdFile });
  if (found.quarantined !== undefined)
    conditions.raise('STORE_QUARANTINED', now, { path: found.quarantined });
  if (Object.keys(development).length > 0) {
    conditions.raise('DEV_INTERVALS', now, {
      switch: `${DEVELOPMENT_SWITCH}=${JSON.stringify(development)}`,
    });
  }
}
