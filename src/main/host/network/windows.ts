import { z } from 'zod';
import { outputOf, type Command } from './command.ts';
import type { HostRouting } from './state.ts';

/*
 * Written to Microsoft's reference of the NetTCPIP and DnsClient modules (Get-NetRoute, Get-DnsClient,
 * Get-DnsClientGlobalSetting) and ConvertTo-Json of Windows PowerShell 5.1; not seen running there.
 */

/** Bytes are written to the stream itself: a service has no console whose encoding could be set. */
const SCRIPT = [
  `$ErrorActionPreference='SilentlyContinue'`,
  `$routes=@(Get-NetRoute -DestinationPrefix '0.0.0.0/0','::/0' -PolicyStore ActiveStore|Select-Object InterfaceAlias,NextHop)`,
  `$search=@((Get-DnsClientGlobalSetting).SuffixSearchList)+@((Get-DnsClient).ConnectionSpecificSuffix)`,
  `$json=ConvertTo-Json -Compress -Depth 3 @{routes=$routes;search=@($search|Where-Object{$_})}`,
  `$bytes=[Text.Encoding]::UTF8.GetBytes($json)`,
  `[Console]::OpenStandardOutput().Write($bytes,0,$bytes.Length)`,
].join(';');

const POWERSHELL: Command = {
  file: 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe',
  args: ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', SCRIPT],
};

const Answer = z.object({
  routes: z.array(z.object({ InterfaceAlias: z.string(), NextHop: z.string() })),
  search: z.array(z.string()),
});

/** Next hops that mean the interface itself. */
const ON_LINK: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** The script's answer; `undefined` when it isn't one. */
export function parsePowerShell(json: string): HostRouting | undefined {
  const answer = Answer.safeParse(parseJson(json));
  if (!answer.success) return undefined;
  const routes = answer.data.routes.map(({ InterfaceAlias, NextHop }) => ({
    interface: InterfaceAlias,
    gateway: ON_LINK.has(NextHop) ? null : NextHop.replace(/%.*$/, ''),
  }));
  return { routes, searchDomains: answer.data.search };
}

/** Asks the host; `undefined` when that failed. Costs about a second of CPU, so ask rarely. */
export async function readWindowsRouting(signal: AbortSignal): Promise<HostRouting | undefined> {
  const json = await outputOf(POWERSHELL, signal);
  return json === undefined ? undefined : parsePowerShell(json);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
