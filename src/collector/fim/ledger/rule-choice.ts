import type { FimRule } from '../../../shared/file-integrity.ts';
import { SEVERITIES, type EventActor, type Severity } from '../../../shared/host-events.ts';
import { encodeText } from '../../../wire/encode.ts';
import type { Os } from '../../table.ts';
import type { Attribution } from '../change.ts';
import { glob } from '../glob.ts';
import { separatorOf } from './host-path.ts';
import type { Part } from './net-change.ts';

/** The rule that an event names, and how grave it is. */
export interface Choice {
  readonly rule: FimRule;
  readonly severity: Severity;
}

/**
 * The first rule that wants this change, with the highest severity of all that do; `undefined` where none does. A rule does
 * not want it if everybody who took part is excluded by it: one who is not must not hide behind one who is.
 */
export function chooseRule(rules: readonly FimRule[], part: Part, os: Os): Choice | undefined {
  const wanting = rules.filter((rule) => wants(rule, part, os));
  const [rule] = wanting;
  if (rule === undefined) return undefined;
  const highest = Math.max(...wanting.map(({ severity }) => SEVERITIES.indexOf(severity)));
  return { rule, severity: SEVERITIES[highest] ?? rule.severity };
}

function wants(rule: FimRule, { wanted, by, others }: Part, os: Os): boolean {
  if (!wanted.some((kind) => rule.events.includes(kind))) return false;
  return ![by, ...others].every((attribution) => isExcluded(rule, attribution, os));
}

/** Only one that is known can be excluded, and a program by no path that whoever started it may have chosen. */
function isExcluded(rule: FimRule, { actor, isElsewhere = false }: Attribution, os: Os): boolean {
  if (actor.state === 'unknown') return false;
  return isExcludedUser(rule, actor, os) || (!isElsewhere && isExcludedProcess(rule, actor, os));
}

type Known = Extract<EventActor, { state: 'known' }>;

function isExcludedUser({ excludeUsers }: FimRule, { user }: Known, os: Os): boolean {
  if (user === undefined) return false;
  return excludeUsers.some((pattern) => pattern === user.id || matches(pattern, user.name ?? user.id, os));
}

function isExcludedProcess(
  { excludeProcesses }: FimRule,
  { process: { executable } }: Known,
  os: Os,
): boolean {
  if (executable === undefined) return false;
  return excludeProcesses.some((pattern) => matches(pattern, executable, os));
}

/** `text` is as events have it. Windows takes no notice of case. */
function matches(pattern: string, text: string, os: Os): boolean {
  const [tried, folded] = os === 'win32' ? [pattern.toLowerCase(), text.toLowerCase()] : [pattern, text];
  return glob(encodeText(tried), separatorOf(os))(folded);
}
