import type { FimWanted } from '../../../shared/file-integrity.ts';
import type { FileAction } from '../../../shared/host-events.ts';
import type { Attribution } from '../change.ts';
import { isSameActor, type Cause } from './cause.ts';
import { CHANGED_MEANWHILE, type Row } from './row.ts';

/** Names of what may differ, in the order that events list them. */
export type Difference =
  | 'path'
  | 'type'
  | 'content'
  | 'size'
  | 'target_path'
  | 'inode'
  | 'mode'
  | 'owner'
  | 'group'
  | 'acl'
  | 'xattrs'
  | 'mtime';

/** A change of one facet of a file by one actor: what becomes one event. */
export interface Part {
  readonly action: FileAction;
  readonly changed: readonly Difference[];
  readonly wanted: readonly FimWanted[];
  readonly by: Attribution;
  readonly others: readonly Attribution[];
}

const CONTENT: readonly Difference[] = ['type', 'content', 'size', 'target_path'];
const SECURITY: readonly Difference[] = ['mode', 'owner', 'group', 'acl'];

function isSameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return Buffer.compare(a, b) === 0;
}

/**
 * Without a hash on both sides size, time of the last write and inode have to do. What was read while it was written to has
 * the stat of its end already, and was told of without a hash: the hash that it rests with is news.
 */
function contentDiffers(before: Row, after: Row): boolean {
  if (before.type !== 'file' || after.type !== 'file') return false;
  if (before.sha256 !== null && after.sha256 !== null) return !isSameBytes(before.sha256, after.sha256);
  if (before.unhashed === CHANGED_MEANWHILE && after.sha256 !== null) return true;
  return before.size !== after.size || before.modified !== after.modified || before.inode !== after.inode;
}

/**
 * What differs between two states of one path. Size and times of directories follow from their entries, which are told of
 * themselves; those of FIFOs, sockets and devices from being used. The time of the last change of the inode is none by itself.
 */
export function differences(before: Row, after: Row): Difference[] {
  const found: Difference[] = [];
  const note = (name: Difference, differs: boolean): void => {
    if (differs) found.push(name);
  };
  const sized = before.type === after.type && after.type === 'file';
  const timed = after.type === 'file' || after.type === 'symlink';
  note('type', before.type !== after.type);
  note('content', contentDiffers(before, after));
  note('size', sized && before.size !== after.size);
  note('target_path', before.target !== after.target);
  note('inode', before.inode !== after.inode || !isSameBirth(before, after));
  note('mode', before.mode !== after.mode);
  note('owner', before.uid !== after.uid);
  note('group', before.gid !== after.gid);
  note('acl', !isSameBytes(before.acl, after.acl));
  note('xattrs', !isSameBytes(before.xattrs, after.xattrs));
  note('mtime', timed && before.modified !== after.modified);
  return found;
}

/** Inode numbers are used again at once; a file that was deleted and made anew may have the same. */
function isSameBirth(a: Row, b: Row): boolean {
  return a.born === 0n || b.born === 0n || a.born === b.born;
}

const nobody = (reason: string): Attribution => ({ actor: { state: 'unknown', reason } });

/** Everybody that was heard but the one that is named already, each once. */
function othersThan(by: Attribution, candidates: readonly (Attribution | undefined)[]): Attribution[] {
  const found: Attribution[] = [];
  for (const candidate of candidates) {
    if (candidate === undefined || isSameActor(candidate, by)) continue;
    if (!found.some((other) => isSameActor(other, candidate))) found.push(candidate);
  }
  return found;
}

const hasAny = (changed: readonly Difference[], of: readonly Difference[]): boolean =>
  changed.some((name) => of.includes(name));

function wantedFor(changed: readonly Difference[]): FimWanted[] {
  const wanted: FimWanted[] = [];
  if (hasAny(changed, CONTENT)) wanted.push('content');
  if (hasAny(changed, SECURITY)) wanted.push('security');
  if (changed.some((name) => !CONTENT.includes(name) && !SECURITY.includes(name))) wanted.push('attributes');
  return wanted;
}

/** A change of a file that stays, as one event for each actor. `cause` says who was heard touching which facet. */
export function partsOfChange(changed: readonly Difference[], cause: Cause): Part[] {
  if (changed.length === 0) return [];
  const part = (names: readonly Difference[], by: Attribution, others: readonly Attribution[]): Part => ({
    action: hasAny(names, CONTENT) ? 'updated' : 'attributes_modified',
    changed: names,
    wanted: wantedFor(names),
    by,
    others,
  });
  if (changed.includes('inode')) {
    // Another file took its place: all that differs came with it, whoever wrote into it before or afterwards.
    const by = cause.presence ?? nobody(cause.unknown);
    return [part(changed, by, othersThan(by, [cause.content, cause.attributes, ...cause.others]))];
  }
  const ofContent = changed.filter((name) => CONTENT.includes(name) || name === 'mtime');
  if (!hasAny(changed, CONTENT)) return [attributePart(changed, cause, part)];
  const ofAttributes = changed.filter((name) => !ofContent.includes(name));
  const writer = cause.content ?? nobody(cause.unknown);
  const changer = cause.attributes ?? nobody(cause.unknown);
  if (ofAttributes.length === 0 || isSameActor(writer, changer)) {
    return [part(changed, writer, othersThan(writer, cause.others))];
  }
  return [
    part(ofContent, writer, othersThan(writer, cause.others)),
    part(ofAttributes, changer, othersThan(changer, cause.others)),
  ];
}

/** A time of writing alone is set by utimensat(2), or by writing what was there before. */
function attributePart(
  changed: readonly Difference[],
  cause: Cause,
  part: (names: readonly Difference[], by: Attribution, others: readonly Attribution[]) => Part,
): Part {
  const { attributes, content } = cause;
  const ambiguous = changed.includes('mtime') && attributes !== undefined && content !== undefined;
  if (ambiguous && !isSameActor(attributes, content)) {
    const by = nobody('several processes touched it');
    return part(changed, by, othersThan(by, [attributes, content, ...cause.others]));
  }
  const timeAlone = changed.every((name) => name === 'mtime');
  const by = attributes ?? (timeAlone ? content : undefined) ?? nobody(cause.unknown);
  return part(changed, by, othersThan(by, cause.others));
}

/**
 * A path that was not there before. Content that somebody else wrote is an event of its own; who changed attributes of a new
 * file is named among the others, since what they were in between is not known.
 */
export function partsOfCreation(after: Row, cause: Cause): Part[] {
  const by = cause.presence ?? nobody(cause.unknown);
  const others = othersThan(by, [cause.attributes, ...cause.others]);
  const created: Part = { action: 'created', changed: [], wanted: ['create'], by, others };
  const { content } = cause;
  if (content === undefined || isSameActor(content, by) || after.size === 0 || after.type !== 'file')
    return [created];
  const others2 = othersThan(content, cause.others);
  return [
    created,
    { action: 'updated', changed: ['content'], wanted: ['content'], by: content, others: others2 },
  ];
}

/** A file that was changed before it was ever looked at: what it was is not known, but that it changed is. */
export function partsOfUnknownBefore(cause: Cause, written: boolean): Part[] {
  const by = (written ? cause.content : cause.attributes) ?? nobody(cause.unknown);
  const others = othersThan(by, [cause.attributes, ...cause.others]);
  return written
    ? [{ action: 'updated', changed: ['content'], wanted: ['content'], by, others }]
    : [{ action: 'attributes_modified', changed: [], wanted: ['attributes', 'security'], by, others }];
}

export function partOfDeletion(cause: Cause): Part {
  const by = cause.presence ?? nobody(cause.unknown);
  return { action: 'deleted', changed: [], wanted: ['delete'], by, others: othersThan(by, cause.others) };
}

export function partOfMove(cause: Cause): Part {
  const by = cause.presence ?? nobody(cause.unknown);
  const others = othersThan(by, cause.others);
  return { action: 'moved', changed: ['path'], wanted: ['rename'], by, others };
}

/** What is left of a cause for the difference between a file before and after it was moved: the mover changed nothing else. */
export function causeAfterMove(cause: Cause): Cause {
  const { presence: _mover, ...rest } = cause;
  return rest;
}
