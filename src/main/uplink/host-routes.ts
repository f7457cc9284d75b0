import type { Clock, Random } from '../clock.ts';
import type { Log } from '../host/log.ts';
import type { Paths } from '../host/paths.ts';
import { openHostSecrets } from '../host/secrets/host-secrets.ts';
import type { SecretStore } from '../host/secrets/secret-store.ts';
import { lazyNegotiate } from './lazy-negotiate.ts';
import { openPacScripts, type PacScripts, type RefreshableScript } from './pac/pac-script.ts';
import { createWpadScript, type WpadDependencies } from './pac/wpad.ts';
import type { RouteResolver } from './proxy/candidate.ts';
import { settingsLine } from './proxy/describe-settings.ts';
import { openProxySettings } from './proxy/open-settings.ts';
import { credentialsFrom } from './proxy/proxy-credentials.ts';
import { interpretProxySettings, type ProxySettings } from './proxy/proxy-settings.ts';
import { createResolver } from './proxy/resolver.ts';
import { readMacProxies } from './proxy/scutil.ts';
import type { ReadSystemProxies } from './proxy/system-proxy.ts';
import { watchProxySettings } from './proxy/watch-proxy.ts';
import { readWindowsProxies } from './proxy/winhttp.ts';
import type { Negotiate, ProxyAccess } from './proxy-authentication.ts';
import type { Trust } from './trust.ts';

/** What the routes of a host are made from. */
export interface HostRoutesOptions {
  readonly paths: Paths;
  readonly platform: NodeJS.Platform;
  readonly environment: NodeJS.ProcessEnv;
  /** Effective user; `undefined` on Windows. */
  readonly uid: number | undefined;
  /** Whether the agent's root was moved: then no secret leaves it. */
  readonly moved: boolean;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  readonly log: Pick<Log, 'debug' | 'info' | 'warn'>;
  readonly trust: Trust;
  /** What the profile in force says; a setting of this host wins over it. */
  readonly profile: () => { readonly wpadEnabled: boolean; readonly proxyFailOpen: boolean };
  /** DNS suffixes of the networks that the host is in, for WPAD. */
  readonly suffixes: () => Promise<readonly string[]>;
  /** How WPAD looks around; a test has neither a DNS server nor a right to port 80. */
  readonly discovery?: Pick<WpadDependencies, 'askDns' | 'port'>;
}

/** The ways of this host to the platform: which there are, and what opens their doors. One for the service and every tool. */
export interface HostRoutes {
  readonly resolver: RouteResolver;
  readonly access: ProxyAccess;
  readonly secrets: () => Promise<SecretStore>;
  /** To be called when the network changed: scripts are asked anew. */
  readonly refresh: () => void;
  /** Logs the settings, now and when they change, and calls back then (R258); returns what ends it. */
  readonly watch: (changed: () => void) => () => void;
}

/** Puts them together. Loads nothing heavy: scripts, secrets and Negotiate come with the first proxy that needs them. */
export function openHostRoutes(options: HostRoutesOptions): HostRoutes {
  const { paths, platform, clock, random, log, profile } = options;
  const source = openProxySettings(paths.proxy, platform);
  const settings = (): ProxySettings => interpretProxySettings(source.read(), platform);
  const scripts = openScripts(options);
  const system = systemReader(platform);
  const secrets = once(() =>
    openHostSecrets({
      ...options,
      warn: (reason) => {
        log.warn(reason);
      },
    }),
  );
  return {
    resolver: createResolver({
      settings,
      profile,
      openPac: scripts.pac.open,
      wpad: scripts.wpad,
      ...(system !== undefined && { system }),
      random,
    }),
    access: { credentials: credentialsFrom(secrets), negotiate: lazyNegotiate(securityLibrary(options)) },
    secrets,
    refresh: () => {
      scripts.pac.refresh();
      scripts.wpad.refresh();
    },
    watch: (changed) => {
      const archive = (): void => {
        log.info(settingsLine(settings()));
      };
      archive();
      return watchProxySettings({
        source,
        places: paths.proxy,
        secretsDir: paths.secretsDir,
        clock,
        changed: () => {
          archive();
          changed();
        },
      });
    },
  };
}

function openScripts(options: HostRoutesOptions): { pac: PacScripts; wpad: RefreshableScript } {
  const { paths, clock, log, trust, suffixes, platform, discovery } = options;
  const dependencies = { dataDir: paths.dataDir, secureContext: () => trust.context(), clock, log };
  return {
    pac: openPacScripts(dependencies),
    wpad: createWpadScript({ ...dependencies, ...discovery, suffixes, platform }),
  };
}

function systemReader(platform: NodeJS.Platform): ReadSystemProxies | undefined {
  if (platform === 'win32') return readWindowsProxies();
  return platform === 'darwin' ? readMacProxies : undefined;
}

/** The security library is loaded when the first proxy asks for it, and asked for again while there is none. */
function securityLibrary({ platform, uid, environment }: HostRoutesOptions): () => Promise<Negotiate> {
  let found: Negotiate | undefined;
  return async () => {
    if (found !== undefined) return found;
    const { createNegotiator } = await import('./negotiate/create-negotiator.ts');
    const negotiator = createNegotiator({ platform, uid, environment });
    if ('unavailable' in negotiator) throw new Error(negotiator.unavailable);
    found = negotiator.negotiate;
    return found;
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
