import { mkdirSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { Manifest } from '../shared/manifest.ts';
import { generateKeyPair, keyPairFromPem, privateKeyPem, type KeyPair } from '../wire/keys.ts';
import { createAdmin, type Admin } from './admin/admin.ts';
import { ensureCustomer } from './admin/setup.ts';
import { ensureAdminToken } from './admin/token.ts';
import { publishManifests } from './agents/manifests.ts';
import { DEFAULT_LIMITS, type Context, type Limits } from './context.ts';
import { NO_ADVISORIES, loadAdvisories, type Advisories } from './correlation/advisories.ts';
import { Refused, reasonOf } from './errors.ts';
import { createTrimmer } from './events/trim.ts';
import { createServer } from './http/server.ts';
import { lockDataDir } from './lock.ts';
import { MANIFESTS } from './manifests/manifests.ts';
import { ADMIN_PATH, BASE_PATH, filesOf } from './paths.ts';
import { printable } from './printable.ts';
import { createProcessor, type Processor } from './processing.ts';
import { openStore, type Store } from './store/store.ts';
import { ensureTls, type TlsMaterial } from './tls.ts';
import { recoverUploads, removeStale } from './uploads/upkeep.ts';

const UPKEEP_MS = 3600 * 1000;

export interface PlatformOptions {
  /** Created when absent. */
  readonly dataDir: string;
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string;
  /** Unless given, a free port at first start, kept afterwards. */
  readonly port?: number;
  /** OSV records; none unless given. */
  readonly advisoriesDir?: string;
  readonly now?: () => number;
  readonly log?: Context['log'];
  readonly limits?: Partial<Limits>;
  readonly manifests?: readonly Manifest[];
}

/** A platform that is listening. */
export interface RunningPlatform {
  /** The WebServiceUri for agents. */
  readonly url: string;
  readonly adminUrl: string;
  readonly adminToken: string;
  readonly caPem: string;
  readonly caFile: string;
  /** Raw Ed25519 public key in base64url, which agents pin. */
  readonly platformKey: string;
  readonly advisories: Advisories;
  readonly store: Store;
  readonly admin: Admin;
  /** Resolves when everything committed so far is processed. */
  readonly processed: () => Promise<void>;
  /** Answers what has begun, then closes server, database and lock. */
  readonly close: () => Promise<void>;
}

/**
 * Starts a platform on a data directory: lock, database, keys, certificate, advisories, server. Work that an earlier
 * process left is taken up. Throws `Refused` when another one serves the directory or the port is taken.
 */
export async function startPlatform(options: PlatformOptions): Promise<RunningPlatform> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o755 });
  const unlock = lockDataDir(filesOf(options.dataDir).lock);
  try {
    const store = openStore(options.dataDir);
    try {
      return await startOn(options, store, unlock);
    } catch (error) {
      store.close();
      throw error;
    }
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startOn(options: PlatformOptions, store: Store, unlock: () => void): Promise<RunningPlatform> {
  const context = contextOf(options, store);
  const host = options.host ?? '127.0.0.1';
  const tls = await ensureTls(options.dataDir, host, context.now());
  ensureCustomer(context);
  publishManifests(context, options.manifests ?? MANIFESTS);
  recoverUploads(context);
  store.replay.prune(context.now());
  const advisories = advisoriesOf(context, options.advisoriesDir);
  store.meta.set('advisoryCount', String(advisories.count));

  const processor = createProcessor(context, advisories);
  const adminToken = ensureAdminToken(filesOf(options.dataDir).adminToken);
  const server = createServer({ context, tls, adminToken, committed: processor.wake });
  const port = await listen(server, host, wantedPort(options, store));
  store.meta.set('port', String(port));
  processor.wake();
  const trimmer = createTrimmer(context);
  trimmer.wake();
  const upkeep = setInterval(() => {
    keepUp(context);
    trimmer.wake();
    processor.wake();
  }, UPKEEP_MS).unref();
  const close = async (): Promise<void> => {
    clearInterval(upkeep);
    await server.close();
    await trimmer.stop();
    // A connection that was cut leaves its commit at work.
    await Promise.allSettled(context.commits.values());
    await processor.stop();
    store.close();
    unlock();
  };
  return running(context, tls, { host, port, adminToken, advisories, processor, close });
}

/** What is due every hour. A full or locked disk is no reason to stop serving: the next hour tries again. */
function keepUp(context: Context): void {
  try {
    removeStale(context);
    context.store.replay.prune(context.now());
  } catch (error) {
    context.log('error', `upkeep failed: ${reasonOf(error)}`);
  }
}

function contextOf(options: PlatformOptions, store: Store): Context {
  const now = options.now ?? Date.now;
  store.meta.ensure('createdAt', () => String(now()));
  return {
    dataDir: options.dataDir,
    store,
    signing: signingPair(store),
    now,
    log: (level, message) => options.log?.(level, printable(message)),
    commits: new Map(),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
}

/** The platform's key is in the database (0600), so that it can't be parted from the agents that pinned it. */
export function signingPair(store: Store): KeyPair {
  return keyPairFromPem(store.meta.ensure('signingKey', () => privateKeyPem(generateKeyPair())));
}

function advisoriesOf(context: Context, directory: string | undefined): Advisories {
  if (directory === undefined) return NO_ADVISORIES;
  const advisories = loadAdvisories(directory);
  for (const { file, reason } of advisories.skipped) {
    context.log('warn', `advisory ${file} left out: ${reason}`);
  }
  return advisories;
}

const wantedPort = (options: PlatformOptions, store: Store): number =>
  options.port ?? Number(store.meta.get('port') ?? '0');

async function listen(server: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Refused(`port ${port} on ${host} is taken by another program; choose one with --port`);
    }
    throw error;
  }
  const address = server.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

interface Started {
  readonly host: string;
  readonly port: number;
  readonly adminToken: string;
  readonly advisories: Advisories;
  readonly processor: Processor;
  readonly close: () => Promise<void>;
}

function running(context: Context, tls: TlsMaterial, started: Started): RunningPlatform {
  const { host, port, adminToken, advisories, processor, close } = started;
  const origin = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    url: `${origin}${BASE_PATH}`,
    adminUrl: `${origin}${ADMIN_PATH}`,
    adminToken,
    caPem: tls.caPem,
    caFile: filesOf(context.dataDir).caCertificate,
    platformKey: context.signing.publicKey,
    advisories,
    store: context.store,
    admin: createAdmin(context),
    processed: async () => {
      processor.wake();
      await processor.idle();
    },
    close,
  };
}
