import type { FimRule, FimWanted } from '../../../shared/file-integrity.ts';
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
  return choiceOf(rules.filter((rule) => wants(rule, part.wanted, part, os)));
}

/** The rules of the two paths of a move. */
export interface RulesOfMove {
  readonly old: readonly FimRule[];
  readonly now: readonly FimRule[];
}

/** What a move is told as: itself, or where every rule that wants to hear of it sees one end alone, that end. */
export interface ChoiceOfMove extends Choice {
  readonly as: 'move' | 'deletion' | 'creation';
}

/**
 * The rule that an event of a move names; `undefined` where no rule wants one. `part` is what happened at the new path. A move
 * concerns the rules of both paths: for those of the old path alone it is a deletion as well, for those of the new one alone
 * a creation if nothing stood there. Where it leads out of rules, the gravest is named: the gravest may be one of those.
 */
export function chooseRuleOfMove({ old, now }: RulesOfMove, part: Part, os: Os): ChoiceOfMove | undefined {
  const wanting = (rules: readonly FimRule[], ...wanted: FimWanted[]): FimRule[] =>
    rules.filter((rule) => wants(rule, wanted, part, os));
  const left = wanting(exceptOf(old, now), 'rename', 'delete');
  const entered = part.action === 'moved' ? wanting(exceptOf(now, old), 'create') : [];
  const here = wanting(now, 'rename', ...part.wanted);
  const near = now.filter((rule) => here.includes(rule) || entered.includes(rule));
  const choice = choiceOf(left.length === 0 ? near : [...near, ...left].toSorted(bySeverity));
  if (choice === undefined) return undefined;
  const isMove =
    here.length > 0 || (near.length > 0 && left.length > 0) || wanting(left, 'rename').length > 0;
  return { ...choice, as: isMove ? 'move' : left.length > 0 ? 'deletion' : 'creation' };
}

/** The rules of one list that are not in the other. */
export function exceptOf(rules: readonly FimRule[], others: readonly FimRule[]): FimRule[] {
  return rules.filter(({ id }) => !others.some((other) => other.id === id));
}

const gravityOf = ({ severity }: FimRule): number => SEVERITIES.indexOf(severity);
const bySeverity = (a: FimRule, b: FimRule): number => gravityOf(b) - gravityOf(a);

function choiceOf(wanting: readonly FimRule[]): Choice | undefined {
  const [rule] = wanting;
  if (rule === undefined) return undefined;
  return { rule, severity: SEVERITIES[Math.max(...wanting.map(gravityOf))] ?? rule.severity };
}

function wants(rule: FimRule, wanted: readonly FimWanted[], { by, others }: Part, os: Os): boolean {
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
