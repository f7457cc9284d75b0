import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, posix, win32 } from 'node:path';
import { FIM_TABLE, FimRuleParams, type FimRule } from '../../shared/file-integrity.ts';
import type { Task } from '../../shared/manifest.ts';
import type { RuleState } from '../../shared/sensor.ts';
import { hasHive } from '../edr/registry-rules.ts';
import { behindPrivate } from '../fim/macos/private-paths.ts';
import { RuleSet } from '../fim/rule-set.ts';
import { isAbsent } from '../open-file.ts';
import { reasonOf } from '../reasons.ts';
import type { Os } from '../table.ts';
import type { RegistrySource } from './ports.ts';

/** The rules of a manifest that can be followed, and the others with the reason. */
export interface ParsedRules {
  readonly rules: readonly FimRule[];
  readonly refused: readonly RuleState[];
}

/**
 * Reads the rules out of a manifest's tasks (R206). A rule that is not understood, or that can't work on this system, is
 * left out and named, one of other systems passed over; the others count. Paths come out real: what a source reports has no links in it.
 */
export function parseFimRules(tasks: readonly Task[], os: Os, real: RealPath = realRoot): ParsedRules {
  const rules: FimRule[] = [];
  const refused: RuleState[] = [];
  for (const task of tasks) {
    const path = typeof task.params['path'] === 'string' ? task.params['path'] : '';
    const parsed = parseRule(task, os);
    if (parsed === undefined) continue;
    if ('reason' in parsed) refused.push({ id: task.id, path, state: 'refused', reason: parsed.reason });
    else rules.push({ ...withRealPatterns(parsed.rule, os), path: real(parsed.rule) });
  }
  return { rules, refused };
}

/** Patterns name what sources name: on macOS places below /private, whatever link at the root leads there. */
function withRealPatterns(rule: FimRule, os: Os): FimRule {
  if (os !== 'darwin') return rule;
  return {
    ...rule,
    include: rule.include.map(behindPrivate),
    exclude: rule.exclude.map(behindPrivate),
    excludeProcesses: rule.excludeProcesses.map(behindPrivate),
  };
}

/** `undefined` for a rule of other systems. */
function parseRule(task: Task, os: Os): { rule: FimRule } | { reason: string } | undefined {
  if (task.table !== FIM_TABLE) return { reason: `${task.table} is no table of file integrity` };
  const parsed = FimRuleParams.safeParse(task.params);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`.slice(0, 300) };
  }
  const rule = { ...parsed.data, id: task.id };
  if (rule.systems?.includes(os) === false) return undefined;
  const reason = whyNot(rule, os);
  return reason === undefined ? { rule } : { reason };
}

function whyNot(rule: FimRule, os: Os): string | undefined {
  const { kind, path } = rule;
  if (kind === 'registry') return whyNoKey(path, os);
  const paths = os === 'win32' ? win32 : posix;
  if (!paths.isAbsolute(path) || path.includes('\0')) return 'path: not an absolute path';
  if (os === 'win32' && !/^[A-Za-z]:\\/.test(path)) return 'path: not a path on a drive';
  if (paths.normalize(path) !== path) return 'path: write it without . and .. and double separators';
  const reported = new RuleSet([rule], [], os).rulesFor(path, kind === 'directory');
  return reported.length === 0 ? 'the rule excludes itself' : undefined;
}

function whyNoKey(path: string, os: Os): string | undefined {
  if (os !== 'win32') return 'there is no registry on this system';
  return hasHive(path) ? undefined : 'path: begin it with HKLM, HKU or HKCU';
}

/** The path of a rule with every link on the way to it resolved. */
export type RealPath = (rule: Pick<FimRule, 'kind' | 'path'>) => string;

/** Resolves as much of the way as exists; the rest may appear later. A rule on a link or file names that entry itself. */
export function realRoot({ kind, path }: Pick<FimRule, 'kind' | 'path'>): string {
  if (kind === 'registry') return path;
  if (kind === 'directory') return realOrParent(path);
  return join(realOrParent(dirname(path)), basename(path));
}

function realOrParent(path: string): string {
  try {
    // On Windows this is the name as the disk has it, in its case and without short names.
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realOrParent(parent), basename(path));
  }
}

/** Whether a rule's path is there and can be looked at. */
export function stateOfRule({ id, path }: FimRule): RuleState {
  try {
    lstatSync(path);
    return { id, path, state: 'watching' };
  } catch (error) {
    if (isAbsent(error)) return { id, path, state: 'absent', reason: 'not there yet' };
    return { id, path, state: 'unreadable', reason: reasonOf(error).slice(0, 300) };
  }
}

/** Whether values below a rule's key of the registry are heard of. Whether each key is audited can't be told. */
export function stateOfKey({ id, path }: FimRule, source: RegistrySource | undefined): RuleState {
  const reason = source === undefined ? 'values of the registry are not heard of' : source.trouble(id);
  return reason === undefined
    ? { id, path, state: 'watching' }
    : { id, path, state: 'unreadable', reason: reason.slice(0, 300) };
}
