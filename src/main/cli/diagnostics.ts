import { existsSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import type { Contents } from '../diagnostics/archive.ts';
import { collectDiagnostics } from '../diagnostics/collect.ts';
import { isErrno } from '../host/atomic-file.ts';
import type { Paths } from '../host/paths.ts';
import { Answer } from './answer.ts';
import { lookingFrom } from './health.ts';
import { harmless } from './harmless.ts';

/** Adds `wayfarerctl diagnostics`: one archive for support, without ids, passwords and signatures. */
export function addDiagnostics(program: Command, paths: Paths): void {
  program
    .command('diagnostics')
    .description('one archive for support: status, health, settings and logs, secrets replaced')
    .option('--output <file>', 'where to write it; never over a file that is there')
    .option('--json', 'print one JSON object: file, what it holds, what is missing')
    .addHelpText(
      'after',
      `
Examples:
  sudo wayfarerctl diagnostics                        in this folder, logs included
  wayfarerctl diagnostics --output /tmp/laptop.tar.gz without root: without what only root may read`,
    )
    .action((options: { output?: string; json?: boolean }) => diagnostics(paths, options));
}

async function diagnostics(
  paths: Paths,
  { output, json }: { readonly output?: string; readonly json?: boolean },
): Promise<void> {
  const file = resolve(output ?? nameOf(Date.now()));
  const contents = await collectDiagnostics(lookingFrom(paths), file, workFolder()).catch(
    (error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error;
      throw new Answer(ExitCode.refused, `${file} is there already: name another one with --output`);
    },
  );
  const text =
    json === true
      ? JSON.stringify({ file, ...contents }, null, 2)
      : describe(file, contents).map(harmless).join('\n');
  process.stdout.write(`${text}\n`);
}

/**
 * Where the parts are made: not beside the archive, since root may be asked to write that into another user's folder, and
 * its owner could put a link in place of ours. `/tmp` in memory may be smaller than the logs.
 */
const workFolder = (): string =>
  process.env['TMPDIR'] === undefined && existsSync('/var/tmp') ? '/var/tmp' : tmpdir();

function nameOf(now: number): string {
  const time = new Date(now).toISOString().slice(0, 19).replace(/[:T]/g, '-');
  return `wayfarer-diagnostics-${hostname().replace(/[^\w.-]/g, '_')}-${time}.tar.gz`;
}

function describe(file: string, { files, missing }: Contents): string[] {
  return [
    file,
    ...files.map(
      ({ name, bytes, cut }) => `  ${name} (${String(bytes)} B)${cut === undefined ? '' : `: ${cut}`}`,
    ),
    ...missing.map(({ name, reason }) => `  ${name} is missing: ${reason}`),
  ];
}
