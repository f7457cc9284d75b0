import { FimRuleParams, type FimRule } from '../../../shared/file-integrity.ts';

/** A rule on a directory unless told otherwise, with everything at its default. */
export function ruleWith({ id = 'rule', ...params }: Partial<FimRule> & { path: string }): FimRule {
  return { ...FimRuleParams.parse({ kind: 'directory', ...params }), id };
}
