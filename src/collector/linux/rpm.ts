import { lstatHost } from '../files.ts';
import { joinKey } from '../key.ts';
import { decodeHostText } from '../text.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';

/** Folders of the database, new and old, and its file per backend: SQLite, ndb, Berkeley DB. */
const FOLDERS = ['/usr/lib/sysimage/rpm', '/var/lib/rpm'];
const FILES = ['rpmdb.sqlite', 'Packages.db', 'Packages'];

/** One line per package; vendor stands last, since it is free text. */
const TAGS = ['NAME', 'EPOCHNUM', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'VENDOR'];
const FORMAT = `${TAGS.map((tag) => `%{${tag}}`).join('\\t')}\\n`;

/** How rpm writes a tag that a package does not have. */
const ABSENT = '(none)';

/** The row of a line of `FORMAT`; `undefined` for one of another shape. */
export function rpmRow(line: string): KeyedRow | undefined {
  const fields = line.split('\t').map((field) => (field === ABSENT ? null : field));
  const [name, epoch, version, release, arch, source, ...vendor] = fields;
  if (typeof name !== 'string' || typeof version !== 'string' || typeof release !== 'string')
    return undefined;
  if (vendor.length === 0) return undefined;
  const number = Number(epoch ?? 0);
  return {
    key: joinKey(name, number, version, release, arch ?? null),
    row: {
      name,
      epoch: number,
      version,
      release,
      arch: arch ?? null,
      source: source ?? null,
      vendor: vendor[0] === null ? null : vendor.join('\t'),
    },
  };
}

/** The folder of the rpm database, `undefined` on a host without one. */
export function rpmDatabase(context: ReadContext): string | undefined {
  return FOLDERS.find((path) => FILES.some((file) => lstatHost(context, `${path}/${file}`)?.isFile()));
}

async function* readRpm(context: ReadContext): AsyncGenerator<KeyedRow> {
  const folder = rpmDatabase(context);
  if (folder === undefined) return;
  const database = context.root === '/' ? folder : `${context.root}${folder}`;
  const result = await context.run('rpm', ['--dbpath', database, '-qa', '--queryformat', FORMAT]);
  if (result.exitCode !== 0) throw new Unreadable(`rpm ended with exit code ${result.exitCode}`);
  for (const line of decodeHostText(result.stdout).split('\n')) {
    const row = rpmRow(line);
    if (row !== undefined) yield row;
  }
}

export const rpmLinux: Reader = {
  source: 'rpm -qa, where an rpm database exists',
  root: 'no',
  read: readRpm,
};
