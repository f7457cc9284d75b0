import { outputOf, type Command } from './command.ts';
import type { DefaultRoute, HostRouting } from './state.ts';

/*
 * Written to the documentation of macOS (netstat(1), scutil(8)) and samples in that form; not seen running there.
 */

const ROUTES: Command = { file: '/usr/sbin/netstat', args: ['-rn'] };
const RESOLVERS: Command = { file: '/usr/sbin/scutil', args: ['--dns'] };

/** What tells of changes: `scutil` prints a line whenever one of the watched keys changes, until its input ends. */
export const MACOS_WATCH = {
  files: ['/usr/sbin/scutil'],
  args: [],
  input: ['IPv4', 'IPv6', 'DNS', 'Interface']
    .map((key) => `n.add State:/Network/${key === 'Interface' ? key : `Global/${key}`}\n`)
    .join('')
    .concat('n.watch\n'),
} as const;

/**
 * Default routes of `netstat -rn`: destination, gateway, flags and interface. A gateway `link#n` is the interface itself;
 * an address `fe80::%utunN` without a host part is the placeholder of a tunnel that carries no default route (flag I).
 */
export function parseNetstat(text: string): DefaultRoute[] {
  return text.split('\n').flatMap((line) => {
    const [destination, gateway = '', flags = '', name] = line.trim().split(/\s+/);
    if (destination !== 'default' || name === undefined || flags.includes('I')) return [];
    return [{ interface: name, gateway: gateway.startsWith('link#') ? null : gateway.replace(/%.*$/, '') }];
  });
}

/** Search domains of `scutil --dns`: lines `search domain[0] : example.com`. */
export function parseScutilDns(text: string): string[] {
  return Array.from(text.matchAll(/^\s*search domain\[\d+\]\s*:\s*(\S+)/gm), ([, domain = '']) => domain);
}

/** Asks the host; `undefined` when a command failed. */
export async function readMacosRouting(signal: AbortSignal): Promise<HostRouting | undefined> {
  const [routes, resolvers] = await Promise.all([outputOf(ROUTES, signal), outputOf(RESOLVERS, signal)]);
  if (routes === undefined || resolvers === undefined) return undefined;
  return { routes: parseNetstat(routes), searchDomains: parseScutilDns(resolvers) };
}
