import type { Random } from '../../clock.ts';
import { within } from '../pac/within.ts';
import type { Candidate, ProxyCandidate, ProxyProblem, Resolution, RouteResolver } from './candidate.ts';
import { mayGetCredentials, proxyUrl } from './candidate.ts';
import { bypassesProxy } from './no-proxy.ts';
import type { ProxySettings } from './proxy-settings.ts';
import type { OpenPacScript, ProxyScript, ScriptAnswer } from './script.ts';
import { shownLocation } from './shown-text.ts';
import { NO_SYSTEM_PROXIES, type ReadSystemProxies, type SystemProxies } from './system-proxy.ts';

/** Most candidates for one URL: a PAC file must not turn one heartbeat into an hour of attempts. */
export const MAX_CANDIDATES = 16;

/** How long the hint may take, ms: a window that hangs must hold no connection. */
const HINT_MS = 2_000;

/** What a resolver is given: the settings and everything that names proxies, behind ports. */
export interface ResolverOptions {
  /** Reads the settings of this host afresh. */
  readonly settings: () => ProxySettings;
  /** What the profile in force says; a setting of this host wins over it. */
  readonly profile: () => { readonly wpadEnabled: boolean; readonly proxyFailOpen: boolean };
  readonly openPac: OpenPacScript;
  readonly wpad: ProxyScript;
  /** Absent where the system has no settings of its own (Linux). */
  readonly system?: ReadSystemProxies;
  /** The desktop host's browser engine, asked for the same URL as a PAC file. */
  readonly hint?: (url: URL) => Promise<ScriptAnswer>;
  readonly random: Pick<Random, 'next'>;
}

/** What one source answered. `mayGoDirect`: its `direct` is an administrator's word, not a guess or the network's. */
interface Found {
  readonly candidates: readonly Candidate[];
  readonly problems: readonly ProxyProblem[];
  readonly mayGoDirect: boolean;
}

const NOTHING: Found = { candidates: [], problems: [], mayGoDirect: false };
const nothing = (): Promise<Found> => Promise.resolve(NOTHING);

/**
 * The one resolver (R242, R243, R246, R260–R262, R266): the configured list, then what the PAC file, WPAD, the system
 * and the hint answer, each proxy once at its first place; at most 16. `direct` comes last with fail-open, or when
 * nothing else is left; where a script answers `DIRECT`, it keeps that place, but without fail-open only where an
 * administrator named the script. A host that `no_proxy` names is reached
 * directly, and nobody is asked. Scripts see an https URL stripped to its origin, any other without credentials.
 */
export function createResolver(options: ResolverOptions): RouteResolver {
  return { resolve: (url) => resolve(url, options) };
}

async function resolve(url: URL, options: ResolverOptions): Promise<Resolution> {
  const settings = options.settings();
  if (bypassesProxy(settings.noProxy, url)) return { candidates: ['direct'], problems: settings.problems };
  const { wpadEnabled, proxyFailOpen } = options.profile();
  const seen = scriptUrl(url);
  const { wpad, hint } = options;
  const asked = await Promise.all([
    fromPac(seen, settings, options),
    (settings.wpad ?? wpadEnabled) ? fromWpad(seen, wpad) : nothing(),
    settings.system ? fromSystem(url, seen, settings, options) : nothing(),
    hint === undefined ? nothing() : fromHint(seen, hint),
  ]);
  const found = [configured(settings, options.random), ...asked];
  const failOpen = settings.failOpen ?? proxyFailOpen;
  return {
    candidates: inOrder(found, failOpen),
    problems: [...settings.problems, ...found.flatMap((source) => source.problems)],
  };
}

/** What a script may see of a URL: paths and queries of https are nobody's business but the platform's. */
function scriptUrl(url: URL): URL {
  if (url.protocol === 'https:') return new URL(`${url.origin}/`);
  const stripped = new URL(url);
  stripped.username = '';
  stripped.password = '';
  stripped.hash = '';
  return stripped;
}

function configured({ urls, order }: ProxySettings, random: Pick<Random, 'next'>): Found {
  const proxies = order === 'random' ? shuffled(urls, random) : urls;
  return { ...NOTHING, candidates: proxies.map((proxy) => ({ ...proxy, source: 'configured' })) };
}

async function fromPac(
  url: URL,
  { pac: location, given }: ProxySettings,
  { openPac }: ResolverOptions,
): Promise<Found> {
  if (location === undefined) return NOTHING;
  const { setting, source } = given.pac ?? { setting: 'PAC', source: location };
  return ask(() => openPac(location).evaluate(url), 'PAC', {
    setting,
    source: `${source} (${shownLocation(location)})`,
  });
}

/** What the network answers: its `direct` overrules no administrator who wants none. */
async function fromWpad(url: URL, wpad: ProxyScript): Promise<Found> {
  const found = await ask(() => wpad.evaluate(url), 'WPAD', { setting: 'WPAD', source: 'this network' });
  return { ...found, mayGoDirect: false };
}

/** The hint guesses for a person's browser: its `direct` and its troubles say nothing about the agent's way. */
async function fromHint(url: URL, hint: (url: URL) => Promise<ScriptAnswer>): Promise<Found> {
  const asked = ask(() => hint(url), 'hint', { setting: 'hint', source: 'desktop' });
  const found = await within(HINT_MS, asked);
  return { ...NOTHING, candidates: found?.candidates ?? [] };
}

async function fromSystem(
  url: URL,
  seen: URL,
  settings: ProxySettings,
  { system, openPac }: ResolverOptions,
): Promise<Found> {
  const read = await readSystem(system);
  const problems: ProxyProblem[] =
    read.problem === undefined
      ? []
      : [{ setting: 'proxy', source: "the system's settings", reason: read.problem }];
  const own = bypassesProxy(read.bypass, url, { subdomains: false }) ? [] : read.proxies;
  const proxies = [...settings.systemUrls, ...own].map((proxy): ProxyCandidate => ({
    ...proxy,
    source: 'system',
  }));
  const { pac } = read;
  const script =
    pac === undefined
      ? NOTHING
      : await ask(() => openPac(pac).evaluate(seen), 'system', {
          setting: 'PAC file',
          source: `the system's settings (${shownLocation(pac)})`,
        });
  return {
    candidates: [...script.candidates, ...proxies],
    problems: [...problems, ...script.problems],
    mayGoDirect: script.mayGoDirect,
  };
}

async function readSystem(system: ReadSystemProxies | undefined): Promise<SystemProxies> {
  try {
    return (await system?.()) ?? NO_SYSTEM_PROXIES;
  } catch (error) {
    return { ...NO_SYSTEM_PROXIES, problem: reasonOf(error) };
  }
}

/** Asks a script; what it throws is its problem, named as `where` says. */
async function ask(
  evaluate: () => Promise<ScriptAnswer>,
  source: ProxyCandidate['source'],
  where: Pick<ProxyProblem, 'setting' | 'source'>,
): Promise<Found> {
  try {
    const { candidates, problem } = await evaluate();
    return {
      candidates: candidates.map((one) => (one === 'direct' ? one : { ...one, source })),
      problems: problem === undefined ? [] : [{ ...where, reason: problem }],
      mayGoDirect: true,
    };
  } catch (error) {
    return { ...NOTHING, problems: [{ ...where, reason: reasonOf(error) }] };
  }
}

/** One list of everything found, each way once; room for `direct` is kept at the end where it belongs there. */
function inOrder(found: readonly Found[], failOpen: boolean): readonly Candidate[] {
  const ways = new Map<string, Candidate>();
  for (const { candidates, mayGoDirect } of found) {
    for (const candidate of candidates) {
      if (candidate === 'direct' && !mayGoDirect && !failOpen) continue;
      const key = candidate === 'direct' ? 'direct' : proxyUrl(candidate);
      // Of two that name it, the one that an administrator trusts: it keeps the place, and gets credentials.
      const known = ways.get(key);
      if (known === undefined || (isTrusted(candidate) && !isTrusted(known))) ways.set(key, candidate);
    }
  }
  const all = [...ways.values()];
  const kept = all.slice(0, MAX_CANDIDATES);
  if (kept.includes('direct') || (!failOpen && kept.length > 0)) return kept;
  return [...kept.slice(0, MAX_CANDIDATES - 1), 'direct'];
}

const isTrusted = (way: Candidate): boolean => way === 'direct' || mayGetCredentials(way);

/** A copy in random order, each as likely as the other (Fisher and Yates). */
function shuffled<T>(items: readonly T[], random: Pick<Random, 'next'>): T[] {
  const left = [...items];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(Math.floor(random.next() * left.length), 1));
  return drawn;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
