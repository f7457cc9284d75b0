import type { Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import type { Paths } from '../host/paths.ts';
import { proxyChanges, type ProxyChange } from '../uplink/proxy/proxy-change.ts';
import { Answer } from './answer.ts';
import { proxyFailure } from './proxy-failure.ts';
import { openProxyHost, type ProxyHost } from './proxy-host.ts';
import { formatProxyReport, proxyReport } from './proxy-report.ts';
import { testProxies } from './proxy-test.ts';
import { readPassword } from './read-password.ts';

interface Options {
  readonly json?: boolean;
}
interface CredentialsOptions extends Options {
  readonly user?: string;
  readonly passwordStdin?: boolean;
  readonly remove?: boolean;
}

/** Calls of each command and what they are for. */
const EXAMPLES = {
  show: [
    ['show', 'each setting, and the file or key that it stands in'],
    ['show --json', 'the same for a program'],
  ],
  set: [
    ['set http://proxy.example.com:8080', 'one proxy'],
    ["set 'http://a.example.com:3128;socks5://b.example.com:1080'", 'two, tried in this order'],
  ],
  pac: [
    ['pac https://config.example.com/proxy.pac', 'a script that is fetched, and again when it gets old'],
    ['pac /etc/wayfarer/proxy.pac', 'a script on this host'],
  ],
  wpad: [
    ['wpad on', 'ask the network where its script is'],
    ['wpad default', 'leave it to the profile'],
  ],
  system: [
    ['system off', "pass over the system's own settings"],
    ['system default', 'use them'],
  ],
  order: [
    ['order random', 'begin with any proxy of the list'],
    ['order sequential', 'always begin with the first'],
  ],
  'fail-open': [
    ['fail-open off', 'never go without a proxy'],
    ['fail-open default', 'leave it to the profile'],
  ],
  credentials: [
    ['credentials --user agent --password-stdin < file', 'store both in the secrets of this host'],
    ['credentials --remove', 'forget both'],
  ],
  clear: [['clear', 'no list, no script, no credentials, no switches']],
  test: [
    ['test', 'try every way and say what it answered'],
    ['test --json', 'the same for a program; exit code 0 where one way works'],
  ],
} as const satisfies Readonly<Record<string, readonly (readonly [call: string, meaning: string])[]>>;

function exampleLines(examples: readonly (readonly [call: string, meaning: string])[]): string {
  const width = Math.max(...examples.map(([call]) => call.length));
  return examples
    .map(([call, meaning]) => `  wayfarerctl proxy ${call.padEnd(width)}  ${meaning}`)
    .join('\n');
}

/**
 * Adds `wayfarerctl proxy …`: shows, changes and tries the proxy settings. It works on the settings themselves, so that
 * the agent need not run; a running one follows with its next connection.
 */
export function addProxy(program: Command, paths: Paths): void {
  const proxy = program.command('proxy').description('proxy settings of this host');
  const add = (name: keyof typeof EXAMPLES, description: string): Command =>
    proxy
      .command(name)
      .description(description)
      .option('--json', 'print one JSON object')
      .addHelpText('after', `\nExamples:\n${exampleLines(EXAMPLES[name])}`);
  const changing = (command: Command, make: (text: string) => ProxyChange): void => {
    command.action(async (text: string, options: Options) => change(paths, options, () => make(text)));
  };

  add('show', 'what is set, and where').action((options: Options) => show(paths, options));
  changing(
    add(
      'set',
      'a list of proxies, in the place of the list or PAC file before; removes the credentials',
    ).argument('<urls>', 'scheme://host:port, up to five, separated by ";"; schemes: http, https, socks5'),
    proxyChanges.list,
  );
  changing(
    add('pac', 'a PAC file, in the place of the list or PAC file before; removes the credentials').argument(
      '<location>',
      'URL or absolute path',
    ),
    (text) => proxyChanges.pac(text, process.platform),
  );
  changing(
    add('wpad', 'whether the network is asked for a proxy').argument(
      '<state>',
      'on, off, or default: as the profile says',
    ),
    (text) => proxyChanges.switch('wpad', 'WPAD', text),
  );
  changing(
    add('system', "whether the system's proxy settings count").argument('<state>', 'on, off, or default: on'),
    (text) => proxyChanges.switch('system', 'system', text),
  );
  changing(
    add('order', 'how the list is tried').argument('<order>', 'sequential, random, or default: sequential'),
    proxyChanges.order,
  );
  changing(
    add('fail-open', 'whether the direct way is tried after all proxies').argument(
      '<state>',
      'on, off, or default: as the profile says',
    ),
    (text) => proxyChanges.switch('failOpen', 'fail-open', text),
  );
  add('credentials', 'user and password for the proxies')
    .option('--user <name>', 'set this user, with --password-stdin')
    .option('--password-stdin', 'read the password from standard input')
    .option('--remove', 'remove user and password')
    .action(async (options: CredentialsOptions) =>
      change(paths, options, (host) => credentialsChange(options, host)),
    );
  add('clear', "delete all of the agent's proxy settings").action((options: Options) =>
    change(paths, options, () => proxyChanges.clear),
  );
  add('test', 'try every way to the platform').action((options: Options) =>
    testProxies(paths, options.json === true),
  );
}

async function show(paths: Paths, { json }: Options): Promise<void> {
  const report = await proxyReport(openProxyHost(paths));
  process.stdout.write(json === true ? `${JSON.stringify(report, null, 2)}\n` : formatProxyReport(report));
}

/** Checks a change, makes it, and shows what is in force then. Throws `Answer`. */
async function change(
  paths: Paths,
  options: Options,
  make: (host: ProxyHost) => ProxyChange | Promise<ProxyChange>,
): Promise<void> {
  try {
    const host = openProxyHost(paths);
    await host.change(await make(host));
  } catch (error) {
    throw proxyFailure(error);
  }
  await show(paths, options);
}

async function credentialsChange(
  { user, passwordStdin, remove }: CredentialsOptions,
  { source }: ProxyHost,
): Promise<ProxyChange> {
  if (remove === true && user === undefined && passwordStdin !== true) return proxyChanges.removeCredentials;
  if (remove === true || user === undefined || passwordStdin !== true) {
    throw new Answer(ExitCode.usage, 'give --user with --password-stdin, or --remove alone');
  }
  // Before the password is asked for: nobody should type one in vain.
  source.checkWritable();
  return proxyChanges.credentials({ username: user, password: await readPassword(process.stdin) });
}
