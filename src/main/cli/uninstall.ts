import { existsSync, rmSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import { readSmallFile } from '../host/atomic-file.ts';
import { writeSettings } from '../host/change-settings.ts';
import { logFiles } from '../host/log-files.ts';
import type { Paths } from '../host/paths.ts';
import { Answer } from './answer.ts';
import { print, type JsonOption } from './print.ts';
import { sayGoodbye, type Goodbye } from './say-goodbye.ts';
import {
  removeData,
  removeIfEmpty,
  removeIfThere,
  removeLockFiles,
  settingsNames,
  withoutAgent,
} from './tidy.ts';

interface Options extends JsonOption {
  readonly force?: boolean;
  readonly yes?: boolean;
}

/** Adds `wayfarerctl uninstall`: what an installer does before it takes the program files away. */
export function addUninstall(program: Command, paths: Paths): void {
  program
    .command('uninstall')
    .description('take leave of the platform and remove data and logs; program files are the installer’s')
    .option('--yes', 'really do it')
    .option(
      '--force',
      'also remove the Host ID and the ids in agent.conf: the next installation is a new host',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  systemctl disable --now wayfarer-agent && wayfarerctl uninstall --yes
  wayfarerctl uninstall --force --yes   a clean removal: nothing is left by which the host would be known again

Without --force Host ID, CustomerId and ActivationId stay, so that an agent installed later is the same host. Call it from
outside the agent's folders, as root. The host's record on the platform stays with its results.`,
    )
    .action((options: Options) => uninstall(paths, options));
}

async function uninstall(paths: Paths, options: Options): Promise<void> {
  if (options.yes !== true) {
    throw new Answer(ExitCode.usage, 'this removes the data of the agent: add --yes; nothing was removed');
  }
  refuseInside(paths);
  const force = options.force === true;
  const { goodbye, removed } = await withoutAgent(paths, async () => {
    const goodbye = await sayGoodbye(paths, process.env);
    return { goodbye, removed: removeAll(paths, force) };
  });
  removeLockFiles(paths);
  const left = [paths.settingsFile, paths.hostIdFile, ...paths.proxy.files].filter((path) =>
    existsSync(path),
  );
  print(options, { goodbye, removed, left }, () => [
    goodbyeLine(goodbye),
    ...removed.map((path) => `removed ${path}`),
    ...left.map((path) => `left    ${path}`),
    'The program files are left for the package manager or installer.',
  ]);
}

/** A folder that somebody stands in can't be removed everywhere (R237). */
function refuseInside(paths: Paths): void {
  const folders = [paths.dataDir, dirname(paths.logFile), paths.runDir];
  const inside = folders.find((folder) => /^(?!\.\.|\/|[A-Za-z]:)/.test(relative(folder, process.cwd())));
  if (inside === undefined) return;
  throw new Answer(ExitCode.refused, `call it from outside ${inside}; nothing was removed`);
}

/** Removes data and logs, with `force` the identity too. The paths that are gone. */
function removeAll(paths: Paths, force: boolean): string[] {
  const logs = logFiles(paths.logFile);
  const removed = removeData(paths, settingsNames(paths));
  for (const log of logs) rmSync(log, { force: true });
  removed.push(...logs);
  removeIfEmpty(dirname(paths.logFile));
  for (const socket of [paths.readEndpoint, paths.adminEndpoint]) removeIfThere(socket);
  if (!force) return removed;
  return [...removed, ...removeIfThere(paths.hostIdFile), ...forgetIds(paths.settingsFile)];
}

/** Takes the ids out of `agent.conf`, and the file with them if it says nothing else. */
function forgetIds(file: string): string[] {
  const before = readSmallFile(file);
  if (before === undefined) return [];
  writeSettings(file, { CustomerId: null, ActivationId: null });
  const after = readSmallFile(file) ?? '';
  if (after.split('\n').every((line) => /^\s*(#.*)?$/.test(line))) return removeIfThere(file);
  return after === before ? [] : [`${file}: CustomerId, ActivationId`];
}

function goodbyeLine(goodbye: Goodbye): string {
  switch (goodbye.state) {
    case 'sent':
      return 'the platform knows that the agent is gone from this host';
    case 'not registered':
      return 'the host was not registered: the platform has nothing to be told';
    case 'failed':
      return `the platform could not be told: ${goodbye.reason}`;
  }
}
