import { cut } from '../../edr/program.ts';
import type { FimRule, FimWanted } from '../../../shared/file-integrity.ts';
import { severityNumber, type FileAction, type FileState } from '../../../shared/host-events.ts';
import type { UnsealedFimEvent } from '../../../wire/event-chain.ts';
import { registryFields } from '../../edr/registry-rules.ts';
import { encodeHostText } from '../../text.ts';
import { walked } from '../ledger/cause.ts';
import type { Difference } from '../ledger/net-change.ts';
import { chooseRule } from '../ledger/rule-choice.ts';
import { unknownActor } from '../unknown-actor.ts';
import { isSecretValue, shownData } from './registry-events.ts';
import type { ValueState } from './registry-value.ts';

/** A value that is not what it was when it was last looked at. */
export interface RegistryDifference {
  /** By its real name, `HKLM\...` or `HKU\SID\...`; host text, as the name of the value. */
  readonly key: string;
  readonly value: string;
  /** `undefined` where it was not there. */
  readonly before: ValueState | undefined;
  /** `undefined` where it is there no more. */
  readonly after: ValueState | undefined;
}

interface Kind {
  readonly action: FileAction;
  readonly type: 'creation' | 'change' | 'deletion';
  readonly wanted: FimWanted;
}

function kindOf({ before, after }: RegistryDifference): Kind {
  if (before === undefined) return { action: 'created', type: 'creation', wanted: 'create' };
  if (after === undefined) return { action: 'deleted', type: 'deletion', wanted: 'delete' };
  return { action: 'updated', type: 'change', wanted: 'content' };
}

/** How a difference came to be known. */
export interface Finding {
  readonly id: string;
  /** Ms since the epoch. */
  readonly at: number;
  readonly detected: 'baseline' | 'rescan';
  /** The rules that cover the value. */
  readonly rules: readonly FimRule[];
  /** What the value is now, in texts; none where it has none, or is not there, `undefined` where they are not looked through. */
  readonly texts: readonly string[] | undefined;
}

/**
 * The event of a value that a look found changed; `undefined` where no rule wants it. Who changed it nobody knows. Of one that
 * holds secrets no hash leaves the host: short data could be guessed by it.
 */
export function differenceEvent(
  difference: RegistryDifference,
  { id, at, detected, rules, texts }: Finding,
): UnsealedFimEvent | undefined {
  const { action, type, wanted } = kindOf(difference);
  const { unknown, provider } = walked(detected, at);
  const by = unknownActor(unknown);
  const changed = differing(difference);
  const choice = chooseRule(rules, { action, changed, wanted: [wanted], by, others: [] }, 'win32');
  if (choice === undefined) return undefined;
  const { rule, severity } = choice;
  const { key, value, before, after } = difference;
  const isSecret = isSecretValue(difference, rules);
  const shown = shownData(difference, texts, rules);
  return {
    '@timestamp': new Date(at).toISOString(),
    event: {
      id,
      kind: 'event',
      module: 'fim',
      category: ['registry'],
      type: [type],
      action,
      severity: severityNumber(severity),
      provider,
    },
    rule: { id: rule.id },
    file: {
      path: cut(encodeHostText(`${key}\\${value}`, 'win32'), 4_096),
      ...(after === undefined ? { type: 'registry' } : fileState(after, isSecret)),
    },
    registry: { ...registryFields(difference), ...shown.data },
    wayfarer: {
      detected,
      severity,
      ...(before === undefined ? {} : { before: fileState(before, isSecret) }),
      changed: [...changed],
      ...shown.why,
      actor: by.actor,
    },
  };
}

function fileState({ size, sha256, isSecret }: ValueState, isNamedSecret: boolean): FileState {
  if (isSecret || isNamedSecret) return { type: 'registry' };
  if (sha256 === null) return { type: 'registry', size, unhashed: 'longer than 1 MiB' };
  return { type: 'registry', size, hash: { sha256 } };
}

function differing({ before, after }: RegistryDifference): Difference[] {
  if (before === undefined || after === undefined) return [];
  const found: Difference[] = [];
  if (before.kind !== after.kind) found.push('type');
  if (before.sha256 !== after.sha256) found.push('content');
  if (before.size !== after.size) found.push('size');
  return found;
}
