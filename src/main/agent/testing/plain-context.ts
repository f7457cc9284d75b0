import type { ManifestType } from '../../../shared/modules.ts';
import type { Context } from '../context.ts';
import type { Facts, TypeFacts } from '../facts.ts';
import { NOW, restingFacts } from './facts.ts';
import { MemoryValues } from './memory-values.ts';

/** What was done to a plain context. */
interface Noted {
  readonly updates: Partial<Facts>[];
  /** Lines of the log with their level in front. */
  readonly lines: string[];
  readonly cancelled: ManifestType[];
}

/** A context of plain data, at rest but for `change`, that notes what is done to it: for functions that need no more. */
export function plainContext(change: Partial<Facts> = {}) {
  let facts = restingFacts(change);
  const clock = { at: NOW };
  const noted: Noted = { updates: [], lines: [], cancelled: [] };
  const kv = new MemoryValues();
  const line =
    (level: string) =>
    (text: string): void => {
      noted.lines.push(`${level} ${text}`);
    };
  const context = {
    facts: () => facts,
    update: (part: Partial<Facts>) => {
      noted.updates.push(part);
      facts = { ...facts, ...part };
    },
    updateType: (type: ManifestType, part: Partial<TypeFacts>) => {
      const known = facts.types[type];
      if (known !== undefined) facts = { ...facts, types: { ...facts.types, [type]: { ...known, ...part } } };
    },
    cancelCollection: (type: ManifestType) => {
      noted.cancelled.push(type);
      facts = { ...facts, collecting: null, scan: null };
    },
    clock: { now: () => clock.at },
    random: { next: () => 0.5, uuid: () => '00000000-0000-4000-8000-000000000001' },
    localTime: { offsetAt: () => 0 },
    log: { info: line('info'), warn: line('warn'), error: line('error') },
    store: { kv },
  } as unknown as Context;
  return { context, clock, noted };
}
