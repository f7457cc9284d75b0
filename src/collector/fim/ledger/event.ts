import {
  EVENT_LIMITS,
  severityNumber,
  type FileAction,
  type FileState,
} from '../../../shared/host-events.ts';
import type { UnsealedFimEvent } from '../../../wire/event-chain.ts';
import { rfc3339 } from '../../instant.ts';
import type { Cause } from './cause.ts';
import type { Names } from './names.ts';
import type { Part } from './net-change.ts';
import type { Row } from './row.ts';
import type { Choice } from './rule-choice.ts';

/** What an event is made of. Paths are encoded. */
export interface Occurrence {
  readonly id: string;
  readonly path: string;
  readonly previousPath?: string;
  readonly before?: Row;
  readonly after?: Row;
  readonly part: Part;
  readonly cause: Cause;
  readonly choice: Choice;
  readonly diff?: string;
  readonly noDiff?: string;
  /** The package manager whose database has this file with this content, where nobody was seen making the change. */
  readonly installer?: string;
}

/** Categories of `event.type` in the Elastic Common Schema. */
const TYPES: Readonly<Record<FileAction, 'creation' | 'change' | 'deletion'>> = {
  created: 'creation',
  updated: 'change',
  deleted: 'deletion',
  moved: 'change',
  attributes_modified: 'change',
};

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

/** A row as events show it. Size and times of a directory say nothing of itself. */
export function stateOf(row: Row, names: Names): FileState {
  const owner = names.user(row.uid);
  const group = names.group(row.gid);
  const mtime = row.type === 'dir' ? undefined : rfc3339(Number(row.modified / 1_000_000n));
  const ctime = row.type === 'dir' ? undefined : rfc3339(Number(row.changed / 1_000_000n));
  return {
    type: row.type,
    // A sparse file may be larger than a number can say exactly.
    ...(row.type === 'file' && Number.isSafeInteger(row.size) ? { size: row.size } : {}),
    mode: row.mode.toString(8).padStart(4, '0'),
    uid: String(row.uid),
    gid: String(row.gid),
    ...(owner === undefined ? {} : { owner }),
    ...(group === undefined ? {} : { group }),
    inode: BigInt.asUintN(64, row.inode).toString(),
    ...(mtime === undefined ? {} : { mtime }),
    ...(ctime === undefined ? {} : { ctime }),
    ...(row.sha256 === null ? {} : { hash: { sha256: hex(row.sha256) } }),
    ...(row.target === null ? {} : { target_path: row.target }),
    ...(row.acl === null ? {} : { acl: hex(row.acl) }),
    ...(row.xattrs === null ? {} : { xattrs: hex(row.xattrs) }),
    ...(row.unhashed === null ? {} : { unhashed: row.unhashed }),
  };
}

/** The record of a change; its bounds are those of `acceptable` (record-bounds.ts). */
export function fimEvent(occurrence: Occurrence, names: Names): UnsealedFimEvent {
  const { id, path, previousPath, before, after, part, cause, choice, diff, noDiff, installer } = occurrence;
  const others = part.others.slice(0, EVENT_LIMITS.actors).map(({ actor }) => actor);
  const packageManager = part.by.packageManager ?? installer;
  const type = after?.type ?? before?.type;
  return {
    '@timestamp': new Date(cause.at).toISOString(),
    event: {
      id,
      kind: 'event',
      module: 'fim',
      category: ['file'],
      type: [TYPES[part.action]],
      action: part.action,
      severity: severityNumber(choice.severity),
      provider: cause.provider,
    },
    rule: { id: choice.rule.id },
    file: {
      path,
      ...(previousPath === undefined ? {} : { previous_path: previousPath }),
      ...(after === undefined ? { ...(type === undefined ? {} : { type }) } : stateOf(after, names)),
    },
    wayfarer: {
      detected: cause.detected,
      severity: choice.severity,
      ...(before === undefined ? {} : { before: stateOf(before, names) }),
      changed: [...part.changed],
      ...(diff === undefined ? {} : { diff }),
      ...(noDiff === undefined ? {} : { no_diff: noDiff }),
      actor: part.by.actor,
      ...(others.length === 0 ? {} : { other_actors: others }),
      ...(packageManager === undefined ? {} : { package_manager: packageManager }),
    },
  };
}
