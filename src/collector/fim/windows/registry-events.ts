import type { FimRule, FimWanted } from '../../../shared/file-integrity.ts';
import { severityNumber, type FileAction, type RegistryValue } from '../../../shared/host-events.ts';
import type { UnsealedFimEvent } from '../../../wire/event-chain.ts';
import { namesOfKey, registryFields, shortKey } from '../../edr/registry-rules.ts';
import { redact } from '../../linux/redact.ts';
import { encodeHostText } from '../../text.ts';
import { diffRule, holdsSecrets } from '../ledger/diff.ts';
import { chooseRule } from '../ledger/rule-choice.ts';
import { RuleSet } from '../rule-set.ts';
import type { RegistryChange } from './audit-events.ts';

type Operation = RegistryChange['operation'];

const ACTIONS: Readonly<Record<Operation, FileAction>> = {
  creation: 'created',
  change: 'updated',
  deletion: 'deleted',
};
const WANTED: Readonly<Record<Operation, FimWanted>> = {
  creation: 'create',
  change: 'content',
  deletion: 'delete',
};

/** Rules of file integrity on registry keys and values (R206), asked for what the Security log has of them. */
export class RegistryRules {
  /** The rules, their keys by the short names of hives. */
  readonly all: readonly FimRule[];
  readonly #rules: RuleSet;
  readonly #newId: () => string;

  /** `newId` gives the id of an event. */
  constructor(rules: readonly FimRule[], newId: () => string) {
    // Keys and values are a tree with the separator of paths: what rules say of directories holds for them.
    const trees = rules.map((rule) => ({ ...rule, kind: 'directory' as const, path: shortKey(rule.path) }));
    this.all = trees;
    this.#rules = new RuleSet(trees, [], 'win32');
    this.#newId = newId;
  }

  /** The rules that cover a value, in their order. */
  covering(key: string, value: string): readonly FimRule[] {
    const named = namesOfKey(key).flatMap((name) => this.#rules.rulesFor(`${name}\\${value}`, false));
    return [...new Set(named)];
  }

  /** Whether values of this key, or of one below it, may concern a rule. */
  enters(key: string): boolean {
    return namesOfKey(key).some((name) => this.#rules.entersDirectory(name));
  }

  /** The event of a value that was made, set or deleted; `undefined` where no rule wants it. `late`: while the agent was off. */
  event(change: RegistryChange, late: boolean): UnsealedFimEvent | undefined {
    const { at, key, value, operation, process, user } = change;
    const rules = this.covering(key, value);
    const action = ACTIONS[operation];
    const by = { actor: { state: 'known' as const, process, ...(user === undefined ? {} : { user }) } };
    const part = { action, changed: [], wanted: [WANTED[operation]], by, others: [] };
    const choice = chooseRule(rules, part, 'win32');
    if (choice === undefined) return undefined;
    const { rule, severity } = choice;
    return {
      '@timestamp': new Date(at).toISOString(),
      event: {
        id: this.#newId(),
        kind: 'event',
        module: 'fim',
        category: ['registry'],
        type: [operation],
        action,
        severity: severityNumber(severity),
        provider: 'security log',
      },
      rule: { id: rule.id },
      file: { path: encodeHostText(`${key}\\${value}`, 'win32').slice(0, 4_096), type: 'registry' },
      registry: { ...registryFields(change), ...shownData(change, textsOf(change), rules) },
      wayfarer: {
        detected: late ? 'baseline' : 'live',
        severity,
        changed: operation === 'change' ? ['content'] : [],
        ...whyNoData(change, textsOf(change), rules),
        actor: by.actor,
      },
    };
  }
}

/** The data as the log writes it; none of a value that was deleted. */
const textsOf = ({ after }: RegistryChange): string[] => (after === '' ? [] : [after]);

type Named = Pick<RegistryChange, 'key' | 'value'>;

/** The data that a rule has shown: the texts that the value is now, without secrets. */
export function shownData(
  named: Named,
  texts: readonly string[],
  rules: readonly FimRule[],
): Pick<RegistryValue, 'data'> {
  const isShown = diffRule(rules) !== undefined && whyHidden(named, texts, rules) === undefined;
  if (!isShown || texts.length === 0) return {};
  return { data: { strings: texts.map((text) => encodeHostText(redact(text), 'win32')) } };
}

/** Why data that a rule has shown is not there. */
export function whyNoData(
  named: Named,
  texts: readonly string[],
  rules: readonly FimRule[],
): { no_diff?: string } {
  const why = diffRule(rules) === undefined ? undefined : whyHidden(named, texts, rules);
  return why === undefined ? {} : { no_diff: why };
}

function whyHidden(named: Named, texts: readonly string[], rules: readonly FimRule[]): string | undefined {
  if (isSecretValue(named, rules)) return 'a value that holds secrets';
  const most = Math.min((diffRule(rules)?.diffMaxKb ?? 0) * 1_024, MOST_DATA);
  const bytes = texts.map((text) => Buffer.byteLength(encodeHostText(text, 'win32')));
  const isLong = texts.length > MOST_TEXTS || bytes.reduce((sum, each) => sum + each, 0) > most;
  return isLong ? 'longer than is shown' : undefined;
}

/** Values that are named as secrets are (DefaultPassword) are never shown, whatever a rule says. */
export function isSecretValue({ key, value }: Named, rules: readonly FimRule[]): boolean {
  const assigned = `${value}=x`;
  return redact(assigned) !== assigned || holdsSecrets(`${key}\\${value}`, value, rules);
}

/** Bounds of the texts of data (`host-events.ts`): bytes, and how many. */
const MOST_DATA = 32_768;
const MOST_TEXTS = 1_024;
