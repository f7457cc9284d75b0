import { createWriteStream, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { readChunks } from '../uploads/files.ts';
import type { Admin } from '../admin/admin.ts';
import { withAdmin, type Common } from './commands.ts';
import { print, tableOf, when } from './output.ts';

type Archives = ReturnType<Admin['logs']>;

/** Adds `wayfarer-platform logs HOST`: what COLLECT_LOGS brought. */
export function logsCommand(program: Command): void {
  program
    .command('logs <host>')
    .description('archives of logs that an agent sent, the newest first; see COLLECT_LOGS')
    .option('--output <dir>', 'write them there as .tar.gz files; none that is there is replaced')
    .action(async (host: string, options: { readonly output?: string }, command: Command) => {
      const { data, json } = command.optsWithGlobals<Common>();
      const archives = withAdmin(data, (admin) => admin.logs(host));
      if (options.output === undefined) {
        print(json, archives, () => archivesText(archives));
        return;
      }
      const files = await writeArchives(data, archives, resolve(options.output));
      print(json, files, () => files.join('\n'));
    });
}

function archivesText(archives: Archives): string {
  const rows = archives.map(({ at, bytes, upload }) => [when(at), String(bytes), upload]);
  return tableOf(['RECEIVED', 'BYTES', 'UPLOAD'], rows);
}

/** Writes archives as files that only this user can read; their names are times and ids made here. Rejects with `EEXIST`. */
async function writeArchives(data: string, archives: Archives, directory: string): Promise<string[]> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files: string[] = [];
  for (const { upload, at, chunks } of archives) {
    const time = new Date(at).toISOString().slice(0, 19).replace(/[:T]/g, '-');
    const file = resolve(directory, `logs-${time}-${upload}.tar.gz`);
    await pipeline(readChunks(data, upload, chunks), createWriteStream(file, { flags: 'wx', mode: 0o600 }));
    files.push(file);
  }
  return files;
}
