import { cut } from '../../edr/program.ts';
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
import { MOST_SHOWN, MOST_TEXTS, withoutSecrets } from './registry-texts.ts';

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
    const shown = shownData(change, textsOf(change), rules);
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
      file: { path: cut(encodeHostText(`${key}\\${value}`, 'win32'), 4_096), type: 'registry' },
      registry: { ...registryFields(change), ...shown.data },
      wayfarer: {
        detected: late ? 'baseline' : 'live',
        severity,
        changed: operation === 'change' ? ['content'] : [],
        ...shown.why,
        actor: by.actor,
      },
    };
  }
}

/** The data as the log writes it; none of a value that was deleted. */
const textsOf = ({ after }: RegistryChange): string[] => (after === '' ? [] : [after]);

type Named = Pick<RegistryChange, 'key' | 'value'>;

/** What an event says of the data of a value. */
interface Shown {
  readonly data: Pick<RegistryValue, 'data'>;
  /** Why data that a rule has shown is not there. */
  readonly why: { readonly no_diff?: string };
}

/**
 * The data that a rule has shown: the texts that the value is now, without secrets; `undefined` for texts of data that is longer
 * than is looked through.
 */
export function shownData(
  named: Named,
  texts: readonly string[] | undefined,
  rules: readonly FimRule[],
): Shown {
  const rule = diffRule(rules);
  if (rule === undefined) return { data: {}, why: {} };
  if (isSecretValue(named, rules)) return { data: {}, why: { no_diff: 'a value that holds secrets' } };
  const strings = fitting(texts, Math.min(rule.diffMaxKb * 1_024, MOST_SHOWN));
  if (strings === undefined) return { data: {}, why: { no_diff: 'longer than is shown' } };
  return { data: strings.length === 0 ? {} : { data: { strings } }, why: {} };
}

/** The texts as they stand in the event, without secrets, where they have so many bytes at most: what is blanked may be longer. */
function fitting(texts: readonly string[] | undefined, most: number): string[] | undefined {
  if (texts === undefined || texts.length > MOST_TEXTS) return undefined;
  const strings = withoutSecrets(texts).map((text) => encodeHostText(text, 'win32'));
  const bytes = strings.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return bytes > most ? undefined : strings;
}

/** Values that are named as secrets are (DefaultPassword) are never shown, whatever a rule says. */
export function isSecretValue({ key, value }: Named, rules: readonly FimRule[]): boolean {
  const assigned = `${value}=x`;
  return redact(assigned) !== assigned || holdsSecrets(`${key}\\${value}`, value, rules);
}
