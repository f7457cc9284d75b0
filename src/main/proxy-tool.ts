import type { Answer } from './cli/answer.ts';
import { allowEarlyReader } from './cli/early-reader.ts';
import { proxyFailure } from './cli/proxy-failure.ts';
import { openProxyHost } from './cli/proxy-host.ts';
import { formatProxyReport, proxyReport } from './cli/proxy-report.ts';
import { readPassword } from './cli/read-password.ts';
import { resolvePaths } from './host/paths.ts';
import { rootDirectory } from './host/root.ts';
import { parseProxyToolCall, withPassword } from './proxy-tool-call.ts';
import { InvalidChange } from './uplink/proxy/proxy-change.ts';

/*
 * Entry point of `WayfarerProxy`: sets the proxies of this host in the dialect that deployment scripts know. Everything is
 * checked before anything is written; a call that fails has changed nothing.
 */

const HELP = `WayfarerProxy sets how the Wayfarer agent of this host goes through proxies. Run it as root or administrator.

  WayfarerProxy /u <proxies> [/n <user> /p <password>]
  WayfarerProxy /a <PAC file> [/n <user> /p <password>]
  WayfarerProxy [/w on|off] [/h on|off]
  WayfarerProxy /d

  /u  proxies in the order of trying: scheme://host:port, up to five, separated by ";"
      schemes: http, https, socks5; it takes the place of /a, and the other way round
  /a  URL or absolute path of a PAC file
  /n  user for the proxies of /u or /a
  /p  password; "-" reads it from standard input (UTF-8), which keeps it out of the process list
  /w  whether the network is asked for a proxy (WPAD)
  /h  whether the system's proxy settings count
  /d  deletes all of the agent's proxy settings

Options may begin with "-" and be in any case. Quote values that hold blanks or ";"; \\" stands for a quote.
The agent follows with its next connection, its log shows the settings in force. Exit codes: 0 done, 1 failed,
2 usage, 7 no permission; unless it is 0, nothing was changed.

Examples:
  WayfarerProxy /u http://my-proxy:8080
  WayfarerProxy /u "http://my-proxy-1:8080;http://my-proxy-2:8080"
  WayfarerProxy /u http://my-proxy:8080 /n ProxyUser /p - < password.txt
  WayfarerProxy /a http://my-pac-server/agent.pac
`;

async function run(args: readonly string[]): Promise<void> {
  const call = parseProxyToolCall(args, process.platform);
  if (call.kind === 'help') {
    process.stdout.write(HELP);
    return;
  }
  const paths = resolvePaths(process.platform, rootDirectory(process.env), process.env);
  const host = openProxyHost(paths);
  let { change } = call;
  if (call.userFromStdin !== undefined) {
    // Before the password is asked for: nobody should give one in vain.
    host.source.checkWritable();
    change = withPassword(change, call.userFromStdin, await readPassword(process.stdin));
  }
  await host.change(change);
  process.stdout.write(formatProxyReport(await proxyReport(host)));
}

allowEarlyReader(process.stdout);

try {
  await run(process.argv.slice(2));
} catch (error) {
  const answer: Answer = proxyFailure(error);
  const hint = error instanceof InvalidChange ? '\n(WayfarerProxy --help explains the options)' : '';
  process.stderr.write(`WayfarerProxy: ${answer.message}${hint}\n`);
  process.exitCode = answer.exitCode;
}
