import { rfc3339 } from '../instant.ts';
import { redact } from '../linux/redact.ts';
import type { Os } from '../table.ts';
import { encodeHostText } from '../text.ts';
import type { Dropped } from './dropped.ts';
import { cut } from './program.ts';
import type { RecordParts } from './record.ts';
import type { EdrRule } from './rules.ts';
import type { StartupItem } from './startup.ts';

const ITEM_CHARS = 4_096;

/** A record but for its id and time. */
export type SideParts = Omit<RecordParts, 'id' | 'at'>;

/** An endpoint of this host that listens. */
export interface Endpoint {
  readonly transport: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}

/** Why the record of a socket names no process. */
export const NO_HOLDER = 'no process was found that holds it';

/** The record of a socket that listens and did not before; of who holds it what is known. */
export function listenerParts(
  { transport, address, port }: Endpoint,
  rule: EdrRule<'listener_events'>,
  holder: Pick<RecordParts, 'provider' | 'process' | 'user' | 'login_user' | 'reason'>,
): SideParts {
  return {
    action: 'listener_opened',
    severity: rule.severity,
    rule: rule.id,
    server: { address, port, transport },
    ...holder,
  };
}

/** The record of what starts a program later. */
export function startupParts(item: StartupItem, rule: EdrRule<'startup_events'>): SideParts {
  const reasons = [
    item.isChange ? 'an item that was there before is another now' : undefined,
    item.whileAway ? 'while the agent was not running' : undefined,
  ].filter((reason) => reason !== undefined);
  const what = item.command === undefined ? item.name : `${item.name}: ${redact(item.command)}`;
  return {
    action: item.action,
    provider: 'comparison',
    severity: rule.severity,
    rule: rule.id,
    item: cut(what, ITEM_CHARS),
    file: { path: item.location },
    ...(reasons.length === 0 ? {} : { reason: reasons.join(', ') }),
  };
}

/** The record of an executable that appeared; `owner` is the name of its owner where there is one. */
export function droppedParts(
  one: Dropped,
  { provider, owner, os }: { readonly provider: string; readonly owner: string | undefined; readonly os: Os },
): SideParts {
  const actor = one.by?.actor;
  const known = actor?.state === 'known' ? actor : undefined;
  const mtime = rfc3339(one.mtimeMs);
  const why = actor?.state === 'unknown' ? actor.reason : 'the source of this change has no actor';
  return {
    action: 'executable_dropped',
    provider,
    severity: one.rule.severity,
    rule: one.rule.id,
    item: one.kind === 'mode' ? 'executable by its mode' : one.kind,
    file: {
      path: encodeHostText(one.path, os),
      type: 'file',
      ...(Number.isSafeInteger(one.size) ? { size: one.size } : {}),
      mode: one.mode.toString(8).padStart(4, '0'),
      uid: String(one.uid),
      gid: String(one.gid),
      inode: String(one.inode),
      ...(mtime === undefined ? {} : { mtime }),
      ...(owner === undefined ? {} : { owner }),
    },
    process: known?.process,
    user: known?.user,
    login_user: known?.login_user,
    reason: known === undefined ? why : undefined,
  };
}
