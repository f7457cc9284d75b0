import { z } from 'zod';
import { linkTarget } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { readJson } from './json.ts';
import { namesIn, textOf } from './tolerant.ts';

/** Where snaps are mounted: Debian and Ubuntu, then Fedora and Arch. */
const FOLDERS = ['/snap', '/var/lib/snapd/snap'];

const State = z.object({
  data: z.object({
    snaps: z.record(z.string(), z.object({ type: z.string().optional(), channel: z.string().optional() })),
  }),
});

/** Largest state.json read, in bytes. */
const MAX_STATE = 16 * 1024 * 1024;

/** A top-level scalar of snap.yaml as `snap pack` writes it: plain or quoted, on one line. */
function scalar(yaml: string, name: string): string | null {
  const value = new RegExp(`^${name}:[ \\t](.*)$`, 'm').exec(yaml)?.[1]?.trim();
  return value === undefined || value === '' ? null : value.replace(/^(['"])(.*)\1$/, '$2');
}

function* readSnap(context: ReadContext): Generator<KeyedRow> {
  const folder = FOLDERS.find((path) => namesIn(context, path).length > 0);
  if (folder === undefined) return;
  const options = { maxBytes: MAX_STATE };
  const state = readJson(context, '/var/lib/snapd/state.json', State, options)?.data.snaps ?? {};
  for (const name of namesIn(context, folder)) {
    const revision = linkTarget(context, `${folder}/${name}/current`);
    if (revision === undefined || !/^x?\d+$/.test(revision)) continue;
    const yaml = textOf(context, `${folder}/${name}/${revision}/meta/snap.yaml`) ?? '';
    const row = {
      name,
      version: scalar(yaml, 'version'),
      revision,
      type: scalar(yaml, 'type') ?? state[name]?.type ?? 'app',
      channel: state[name]?.channel ?? null,
      base: scalar(yaml, 'base'),
    };
    yield { key: name, row };
  }
}

export const snapLinux: Reader = {
  source: 'snap.yaml of the current revisions, channels from /var/lib/snapd/state.json',
  root: 'partly',
  read: readSnap,
};
