import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { MANIFEST_LIMITS } from '../../shared/manifest.ts';
import type { Admin } from '../admin/admin.ts';
import { Refused, reasonOf } from '../errors.ts';
import { answer, withAdmin, type Common } from './commands.ts';
import { print, tableOf, when } from './output.ts';

type Summaries = ReturnType<Admin['manifests']>;
type Shown = ReturnType<Admin['showManifest']>;

const HELP = `
A manifest is JSON: {"description": "...", "tasks": [{"id": "etc", "table": "file_integrity", "params": {...}}]}.
"manifests show FIM --json" prints the one in force in this form: change a copy of it, then "manifests set FIM --file COPY".
Agents fetch another version with their next heartbeat.`;

/** Adds `wayfarer-platform manifests`: what hosts are asked for, and what file integrity and process events watch. */
export function manifestCommands(program: Command): void {
  const manifests = program
    .command('manifests')
    .description('what agents collect and watch')
    .addHelpText('after', HELP);
  manifests
    .command('list', { isDefault: true })
    .description('show all manifests')
    .action((_, command: Command) => {
      answer(command, (admin) => admin.manifests(), summariesText);
    });
  manifests
    .command('show <type>')
    .description('the tasks of a manifest')
    .action((type: string, _, command: Command) => {
      const { data, json } = command.optsWithGlobals<Common>();
      const shown = withAdmin(data, (admin) => admin.showManifest(type));
      print(json, shown.manifest, () => manifestText(shown));
    });
  manifests
    .command('set <type>')
    .description('put a manifest of your own in the place of the one of FIM or EDR')
    .requiredOption('--file <file>', 'JSON file')
    .action((type: string, { file }: { readonly file: string }, command: Command) => {
      const input = manifestOf(file);
      answer(command, (admin) => admin.setManifest(type, input), changedText);
    });
  manifests
    .command('reset <type>')
    .description('return to the manifest that comes with the platform')
    .action((type: string, _, command: Command) => {
      answer(command, (admin) => admin.resetManifest(type), changedText);
    });
}

function manifestOf(file: string): unknown {
  if (statSync(file).size > MANIFEST_LIMITS.bytes) {
    throw new Refused(`${file}: a manifest has at most ${MANIFEST_LIMITS.bytes} bytes`);
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new Refused(`${file} is not JSON: ${reasonOf(error)}`);
  }
}

function summariesText(summaries: Summaries): string {
  if (summaries.length === 0) return 'there are no manifests yet; the first start of the platform makes them';
  const rows = summaries.map(({ type, version, own, tasks, issuedAt }) => [
    type,
    String(version),
    String(tasks),
    own ? 'set here' : 'platform',
    when(issuedAt),
  ]);
  return tableOf(['TYPE', 'VERSION', 'TASKS', 'ORIGIN', 'ISSUED'], rows);
}

const changedText = ({ type, version, tasks }: Shown): string =>
  `${type} is at version ${String(version)} with ${String(tasks)} tasks; agents fetch it with their next heartbeat`;

function manifestText({ manifest, type, version, own }: Shown): string {
  const rows = manifest.tasks.map(({ id, table, params }) => [
    id,
    table,
    Object.entries(params)
      .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : String(value)}`)
      .join(' '),
  ]);
  const origin = own ? 'set here' : 'comes with the platform';
  return `${type}, version ${String(version)}, ${origin}\n\n${tableOf(['TASK', 'TABLE', 'PARAMETERS'], rows)}`;
}
