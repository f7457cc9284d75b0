import { exitCode } from '../../edr/exit-code.ts';
import type { ReportedProcess } from '../../edr/reported.ts';
import { CHANGE, type RawChange } from '../change.ts';
import type { EsActors } from './actors.ts';
import type { EsEvent, EsFile, EsMessage } from './es-message.ts';

/** A process that started or ended, and of a start the file that it runs. */
export interface EsProcessSaid {
  readonly reported: ReportedProcess;
  readonly image?: EsFile;
}

/** What one message says: changes of files, a process that started or ended, paths that were too long to be told whole. */
export interface EsSaid {
  readonly changes: readonly RawChange[];
  readonly process?: EsProcessSaid;
  /** Paths that Endpoint Security cut: something at each, or below, changed. */
  readonly cut?: readonly string[];
}

const NOTHING: EsSaid = { changes: [] };
const PROVIDER = 'eslogger';

/** What a message says, with `actors` told of starts and ends. */
export function readMessage(message: EsMessage, actors: EsActors): EsSaid {
  const { event } = message;
  switch (event.name) {
    case 'exec':
      actors.started(event.target, event.args, message.process.audit_token);
      return {
        changes: [],
        process: { reported: startOf(message, event, actors), image: event.target.executable },
      };
    case 'fork':
      actors.forked(message.process.audit_token, event.child);
      return NOTHING;
    case 'exit': {
      const token = message.process.audit_token;
      const said = actors.onlyForked(token)
        ? NOTHING
        : { changes: [], process: { reported: endOf(message, event, actors) } };
      actors.ended(token);
      return said;
    }
    default:
      return fileChanges(message, event, actors);
  }
}

type FileEvent = Exclude<EsEvent, { name: 'exec' | 'fork' | 'exit' }>;
type Of<N extends EsEvent['name']> = Extract<EsEvent, { name: N }>;

function startOf({ at }: EsMessage, { target }: Of<'exec'>, actors: EsActors): ReportedProcess {
  return {
    action: 'process_started',
    at,
    provider: PROVIDER,
    executable: target.executable.path,
    process: actors.process(target),
    user: actors.user(target.audit_token.euid),
    loginUser: actors.loginUser(target.audit_token),
  };
}

function endOf({ at, process }: EsMessage, { stat }: Of<'exit'>, actors: EsActors): ReportedProcess {
  return {
    action: 'process_ended',
    at,
    provider: PROVIDER,
    executable: process.executable.path,
    process: { ...actors.process(process), exit_code: exitCode(stat) },
    user: actors.user(process.audit_token.euid),
    loginUser: actors.loginUser(process.audit_token),
  };
}

/** A path that changed, and how. */
interface Touched {
  readonly path: string;
  readonly what: number;
  readonly directory: boolean;
  readonly from?: string;
}

function fileChanges(message: EsMessage, event: FileEvent, actors: EsActors): EsSaid {
  const cut = filesOf(event).flatMap((file) => (file.path_truncated === true ? [file.path] : []));
  const touched = wholeOf(touchedBy(event), cut);
  const said = cut.length === 0 ? NOTHING : { changes: [], cut };
  if (touched.length === 0) return said;
  const by = actors.attribution(message.process);
  return { ...said, changes: touched.map((one) => ({ ...one, at: message.at, by })) };
}

/** What has a whole path: of a move one end may, and nobody gets past a watched directory by a long path at the other. */
function wholeOf(touched: readonly Touched[], cut: readonly string[]): readonly Touched[] {
  if (cut.length === 0) return touched;
  const isWhole = (path: string): boolean => !cut.some((short) => path.startsWith(short));
  return touched
    .filter(({ path }) => isWhole(path))
    .map(({ from, ...one }) => (from === undefined || !isWhole(from) ? one : { ...one, from }));
}

function touchedBy(event: FileEvent): Touched[] {
  switch (event.name) {
    case 'create':
      return [{ ...destinationOf(event), what: CHANGE.created }];
    case 'close':
      return event.modified || event.was_mapped_writable === true
        ? [touch(event.target, CHANGE.modified | CHANGE.closedAfterWrite)]
        : [];
    case 'rename':
      return renamed(event);
    case 'unlink':
      return [touch(event.target, CHANGE.deleted)];
    case 'truncate':
      return [touch(event.target, CHANGE.modified)];
    case 'link':
      return [madeAt(event.target_dir, event.target_filename, event.source)];
    case 'clone':
      return [madeAt(event.target_dir, event.target_name, event.source)];
    case 'copyfile':
      return [madeAt(event.target_dir, event.target_name, event.source)];
    default:
      return [touch(event.target, CHANGE.attributes)];
  }
}

function renamed(event: Of<'rename'>): Touched[] {
  const { path } = destinationOf(event);
  const directory = isDirectory(event.source);
  const from = event.source.path;
  return [
    { path: from, what: CHANGE.movedFrom, directory },
    { path, what: CHANGE.movedTo, directory, from },
  ];
}

const touch = (file: EsFile, what: number): Touched => ({
  path: file.path,
  what,
  directory: isDirectory(file),
});

/** A new name with content that is there at once: a link, a clone, a copy. */
function madeAt(directory: EsFile, name: string, source: EsFile): Touched {
  return {
    path: below(directory, name),
    what: CHANGE.created | CHANGE.closedAfterWrite,
    directory: isDirectory(source),
  };
}

function destinationOf({ destination }: Of<'create'> | Of<'rename'>): { path: string; directory: boolean } {
  if ('existing_file' in destination) {
    return { path: destination.existing_file.path, directory: isDirectory(destination.existing_file) };
  }
  const { dir, filename } = destination.new_path;
  return { path: below(dir, filename), directory: false };
}

function below({ path }: EsFile, name: string): string {
  return path.endsWith('/') ? path + name : `${path}/${name}`;
}

/** S_IFMT and S_IFDIR of stat(2). */
function isDirectory({ stat }: EsFile): boolean {
  return stat !== undefined && (stat.st_mode & 0o170000) === 0o040000;
}

function filesOf(event: FileEvent): EsFile[] {
  switch (event.name) {
    case 'create':
      return [partOf(event)];
    case 'rename':
      return [event.source, partOf(event)];
    case 'link':
    case 'clone':
    case 'copyfile':
      return [event.target_dir];
    default:
      return [event.target];
  }
}

function partOf({ destination }: Of<'create'> | Of<'rename'>): EsFile {
  return 'existing_file' in destination ? destination.existing_file : destination.new_path.dir;
}
