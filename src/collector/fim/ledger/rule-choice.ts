import type { FimRule } from '../../../shared/file-integrity.ts';
import { SEVERITIES, type EventActor, type Severity } from '../../../shared/host-events.ts';
import { encodeText } from '../../../wire/encode.ts';
import type { Attribution } from '../change.ts';
import { glob } from '../glob.ts';
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
export function chooseRule(rules: readonly FimRule[], part: Part): Choice | undefined {
  const wanting = rules.filter((rule) => wants(rule, part));
  const [rule] = wanting;
  if (rule === undefined) return undefined;
  const highest = Math.max(...wanting.map(({ severity }) => SEVERITIES.indexOf(severity)));
  return { rule, severity: SEVERITIES[highest] ?? rule.severity };
}

function wants(rule: FimRule, { wanted, by, others }: Part): boolean {
  if (!wanted.some((kind) => rule.events.includes(kind))) return false;
  return ![by, ...others].every(({ actor }) => isExcluded(rule, actor));
}

/** Only one that is known can be excluded. */
function isExcluded(rule: FimRule, actor: Attribution['actor']): boolean {
  return actor.state === 'known' && (isExcludedUser(rule, actor) || isExcludedProcess(rule, actor));
}

type Known = Extract<EventActor, { state: 'known' }>;

function isExcludedUser({ excludeUsers }: FimRule, { user }: Known): boolean {
  if (user === undefined) return false;
  return excludeUsers.some(
    (pattern) => pattern === user.id || glob(encodeText(pattern), '/')(user.name ?? user.id),
  );
}

function isExcludedProcess({ excludeProcesses }: FimRule, { process: { executable } }: Known): boolean {
  if (executable === undefined) return false;
  return excludeProcesses.some((pattern) => glob(encodeText(pattern), '/')(executable));
}
