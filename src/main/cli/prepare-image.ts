import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { logFiles } from '../host/log-files.ts';
import type { Paths } from '../host/paths.ts';
import { print, type JsonOption } from './print.ts';
import { removeData, removeIfThere, settingsNames, withoutAgent } from './tidy.ts';

/** Adds `wayfarerctl prepare-image`: leaves nothing on this host that its clones may not share (R098–R102). */
export function addPrepareImage(program: Command, paths: Paths): void {
  program
    .command('prepare-image')
    .description('make this host the image of others: no identity and no data, settings stay')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  systemctl disable --now wayfarer-agent && wayfarerctl prepare-image

Removes Host ID, key, registration, queue and snapshots; keeps agent.conf and the proxy settings with their credentials. The
service must be stopped, and must not start before the image is taken: it would register. Each clone registers by itself.`,
    )
    .action(async (options: JsonOption) => {
      const found = await withoutAgent(paths, () => prepare(paths));
      print(options, found, () => [
        ...(found.removed.length === 0
          ? ['there was nothing to remove']
          : found.removed.map((path) => `removed ${path}`)),
        ...found.kept.map((path) => `kept    ${path}`),
        'Take the image now; an agent that starts before it registers this host.',
      ]);
    });
}

function prepare(paths: Paths): { removed: string[]; kept: string[] } {
  const hostId = basename(paths.hostIdFile);
  const names = settingsNames(paths).filter((name) => name !== hostId);
  const logs = logFiles(paths.logFile).map((path) => basename(path));
  // The Host ID first: what an interruption leaves is a host without identity, never two with one.
  const removed = removeIfThere(paths.hostIdFile);
  removed.push(...removeData(paths, [...names, basename(paths.secretsDir), ...logs]));
  const kept = [paths.settingsFile, ...paths.proxy.files, paths.secretsDir].filter((path) =>
    existsSync(path),
  );
  return { removed, kept };
}
