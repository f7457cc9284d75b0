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
  readonly #rules: RuleSet;
  readonly #newId: () => string;

  /** `newId` gives the id of an event. */
  constructor(rules: readonly FimRule[], newId: () => string) {
    // Keys and values are a tree with the separator of paths: what rules say of directories holds for them.
    const trees = rules.map((rule) => ({ ...rule, kind: 'directory' as const, path: shortKey(rule.path) }));
    this.#rules = new RuleSet(trees, [], 'win32');
    this.#newId = newId;
  }

  /** The event of a value that was made, set or deleted; `undefined` where no rule wants it. `late`: while the agent was off. */
  event(change: RegistryChange, late: boolean): UnsealedFimEvent | undefined {
    const { at, key, value, operation, process, user } = change;
    const covering = new Set(
      namesOfKey(key).flatMap((name) => this.#rules.rulesFor(`${name}\\${value}`, false)),
    );
    const rules = [...covering];
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
      registry: { ...registryFields(change), ...dataOf(change, rules) },
      wayfarer: {
        detected: late ? 'baseline' : 'live',
        severity,
        changed: operation === 'change' ? ['content'] : [],
        ...noData(change, rules),
        actor: by.actor,
      },
    };
  }
}

/** The data that a rule has shown: what the value is now, as the log writes it. */
function dataOf(change: RegistryChange, rules: readonly FimRule[]): Pick<RegistryValue, 'data'> {
  const rule = diffRule(rules);
  if (rule === undefined || change.after === '' || whyHidden(change, rules) !== undefined) return {};
  return { data: { strings: [encodeHostText(redact(change.after), 'win32')] } };
}

function noData(change: RegistryChange, rules: readonly FimRule[]): { no_diff?: string } {
  const why = diffRule(rules) === undefined ? undefined : whyHidden(change, rules);
  return why === undefined ? {} : { no_diff: why };
}

/** Values that are named as secrets are (DefaultPassword) are never shown, whatever a rule says. */
function whyHidden({ key, value, after }: RegistryChange, rules: readonly FimRule[]): string | undefined {
  const assigned = `${value}=x`;
  if (redact(assigned) !== assigned || holdsSecrets(`${key}\\${value}`, value, rules)) {
    return 'a value that holds secrets';
  }
  const most = (diffRule(rules)?.diffMaxKb ?? 0) * 1_024;
  return Buffer.byteLength(encodeHostText(after, 'win32')) > Math.min(most, MOST_DATA)
    ? 'longer than is shown'
    : undefined;
}

/** Bound of one text of data (`host-events.ts`). */
const MOST_DATA = 32_768;
