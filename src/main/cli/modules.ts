import type { Command } from 'commander';
import { MODULES, TYPES_OF_MODULE, type Module } from '../../shared/modules.ts';
import type { AgentStatus, TypeStatus } from '../../shared/status.ts';
import { ControlClient } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';
import { answerOf } from './answer.ts';
import { columns } from './format-status.ts';
import { ago, ahead } from './units.ts';
import { print, type JsonOption } from './print.ts';

/** A module as `wayfarerctl modules --json` prints it. Results are the platform's to show (R194). */
export interface ShownModule {
  readonly module: Module;
  readonly active: boolean;
  /** Its manifest types on this host; empty where it brings none, or is not active. */
  readonly types: readonly (Pick<
    TypeStatus,
    'manifestVersion' | 'rows' | 'collectedAt' | 'uploadedAt' | 'nextDueAt'
  > & { readonly type: string })[];
}

/** Adds `wayfarerctl modules`: which modules are active on this host, and how their manifests stand. */
export function addModules(program: Command, paths: Paths): void {
  program
    .command('modules')
    .description('the modules of this host, their manifests, last and next times')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl modules         each module, and for each manifest its version, rows, last upload and next scan
  wayfarerctl modules --json  the same for a program`,
    )
    .action(async (options: JsonOption) => {
      const status = await new ControlClient(paths.readEndpoint).status().catch((error: unknown) => {
        throw answerOf(error, paths);
      });
      const modules = modulesOf(status);
      print(options, { modules }, () => moduleLines(modules, new Date()));
    });
}

/** The modules by a status, in their usual order. */
export function modulesOf(status: Pick<AgentStatus, 'modules' | 'types'>): ShownModule[] {
  return MODULES.map((module) => {
    const types = TYPES_OF_MODULE[module].flatMap((type) => {
      const found = status.types[type];
      if (found === undefined) return [];
      const { manifestVersion, rows, collectedAt, uploadedAt, nextDueAt } = found;
      return [{ type, manifestVersion, rows, collectedAt, uploadedAt, nextDueAt }];
    });
    return { module, active: status.modules.includes(module), types };
  });
}

/** The modules as people read them: one line for each manifest, one for a module without any. */
export function moduleLines(modules: readonly ShownModule[], now: Date): string[] {
  const rows = modules.flatMap(({ module, active, types }) => {
    const head = [module, active ? 'active' : 'not active'];
    if (types.length === 0) return [[...head, '-', '-', '-', '-', '-']];
    return types.map(({ type, manifestVersion, rows: count, uploadedAt, nextDueAt }, at) => [
      ...(at === 0 ? head : ['', '']),
      type,
      manifestVersion === null ? 'no manifest' : `v${String(manifestVersion)}`,
      String(count),
      ago(uploadedAt, now),
      ahead(nextDueAt, now),
    ]);
  });
  return columns([['Module', 'state', 'manifest', 'version', 'rows', 'uploaded', 'next'], ...rows], [4]);
}
