import { isErrno } from '../host/atomic-file.ts';
import { shownSettings, type ShownProxySettings } from '../uplink/proxy/describe-settings.ts';
import { readProxyCredentials } from '../uplink/proxy/proxy-credentials.ts';
import { harmless } from './harmless.ts';
import type { ProxyHost } from './proxy-host.ts';

/** Whether user and password are stored; the password is never part of it. */
export type ShownCredentials =
  | { readonly state: 'none' }
  | { readonly state: 'stored'; readonly user: string; readonly store: string }
  | { readonly state: 'unreadable'; readonly reason: string };

/** What `wayfarerctl proxy show --json` prints. */
export interface ProxyReport extends ShownProxySettings {
  /** Where the tools write settings. */
  readonly place: string;
  readonly credentials: ShownCredentials;
}

/** The settings in force. Never rejects for what this user may not see. */
export async function proxyReport(host: ProxyHost): Promise<ProxyReport> {
  return {
    place: host.source.place,
    ...shownSettings(host.settings()),
    credentials: await shownCredentials(host),
  };
}

async function shownCredentials({ secrets }: ProxyHost): Promise<ShownCredentials> {
  try {
    const store = await secrets();
    const found = await readProxyCredentials(store);
    return found === undefined
      ? { state: 'none' }
      : { state: 'stored', user: found.username, store: store.kind };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // The store says which file; for a user without rights that is no news.
    const denied = error instanceof Error && isErrno(error.cause, 'EACCES');
    return { state: 'unreadable', reason: denied ? 'this user may not read them' : reason };
  }
}

const LABEL_WIDTH = 13;

/** The report as people read it in a terminal. */
export function formatProxyReport(report: ProxyReport): string {
  const row = (label: string, value: string, setting?: string): string => {
    const source = setting === undefined ? undefined : report.sources[setting];
    return `${label.padEnd(LABEL_WIDTH)}${value}${source === undefined ? '' : ` (${source})`}`;
  };
  const lines = [
    row('Proxies', report.proxies.join(', ') || 'none listed', 'urls'),
    row('Order', report.order, 'order'),
    row('PAC file', report.pac ?? 'none', 'pac'),
    row('WPAD', byProfile(report.wpad), 'wpad'),
    row('System', systemText(report), report.systemProxies.length > 0 ? 'systemUrl' : 'system'),
    row('Fail-open', byProfile(report.failOpen), 'failOpen'),
    row('Without', report.noProxy || 'no exceptions', 'noProxy'),
    row('Credentials', credentialsText(report.credentials)),
    row('Written to', report.place),
    ...report.problems.map((problem) => `problem: ${problem}`),
  ];
  return `${lines.map(harmless).join('\n')}\n`;
}

function systemText({ system, systemProxies }: ProxyReport): string {
  return system ? systemProxies.join(', ') || 'used' : 'not used';
}

function byProfile(value: boolean | null): string {
  if (value === null) return 'as the profile says';
  return value ? 'on' : 'off';
}

function credentialsText(credentials: ShownCredentials): string {
  switch (credentials.state) {
    case 'none':
      return 'none';
    case 'stored':
      return `user "${credentials.user}", password kept (${credentials.store})`;
    case 'unreadable':
      return `unknown: ${credentials.reason}`;
  }
}
