import { linkTarget, readBytes } from '../files.ts';
import type { FileOptions } from '../open-file.ts';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { decodeHostText } from '../text.ts';
import { homes } from './accounts.ts';
import { expand, textOf } from './tolerant.ts';

interface Installation {
  readonly name: string;
  readonly path: string;
  readonly files: FileOptions;
}

/** Where the current deployment's link points to: the folder named after its commit. */
const COMMIT = /^[0-9a-f]{64}$/;

function installations(context: ReadContext): Installation[] {
  const system: Installation = { name: 'system', path: '/var/lib/flatpak', files: {} };
  const users = homes(context).map(({ user, path }) => ({
    name: user,
    path: `${path}/.local/share/flatpak`,
    files: { links: 'none' } as const,
  }));
  return [system, ...users];
}

/** The remote: first member of the deploy file, a string that ends in NUL (GVariant, flatpak's `FLATPAK_DEPLOY_DATA`). */
function originOf(context: ReadContext, folder: string, files: FileOptions): string | null {
  try {
    const bytes = readBytes(context, `${folder}/deploy`, files);
    const end = bytes?.indexOf(0) ?? -1;
    return bytes === undefined || end <= 0 ? null : decodeHostText(bytes.subarray(0, end));
  } catch {
    return null;
  }
}

/** Bounded, so that a file of nothing but beginnings takes no longer than another. */
const RELEASE = /<release\b[^<>]{0,500}?\bversion="([^"]{0,200})"/;

/** Version of the newest release that the application's AppStream metadata names; releases stand newest first. */
function versionOf(context: ReadContext, folder: string, id: string, files: FileOptions): string | null {
  const share = `${folder}/files/share`;
  for (const path of [`${share}/metainfo/${id}.metainfo.xml`, `${share}/appdata/${id}.appdata.xml`]) {
    const release = RELEASE.exec(textOf(context, path, files) ?? '');
    if (release?.[1] !== undefined) return release[1];
  }
  return null;
}

function deploymentRow(context: ReadContext, installation: Installation, path: string): KeyedRow | undefined {
  const commit = linkTarget(context, `${path}/active`);
  const [kind = '', id = '', arch = '', branch = ''] = path.slice(installation.path.length + 1).split('/');
  if (commit === undefined || !COMMIT.test(commit)) return undefined;
  const folder = `${path}/${commit}`;
  return {
    key: joinKey(installation.name, kind, id, arch, branch),
    row: {
      id,
      kind,
      arch,
      branch,
      version: kind === 'app' ? versionOf(context, folder, id, installation.files) : null,
      origin: originOf(context, folder, installation.files),
      commit,
      installation: installation.name,
    },
  };
}

function* readFlatpak(context: ReadContext): Generator<KeyedRow> {
  for (const installation of installations(context)) {
    for (const kind of ['app', 'runtime']) {
      for (const path of expand(context, `${installation.path}/${kind}/*/*/*`, installation.files)) {
        const row = deploymentRow(context, installation, path);
        if (row !== undefined) yield row;
      }
    }
  }
}

export const flatpakLinux: Reader = {
  source: 'deployments below /var/lib/flatpak and ~/.local/share/flatpak',
  root: 'partly',
  read: readFlatpak,
};
