import type { FimRule } from '../../../shared/file-integrity.ts';
import type { UnsealedFimEvent } from '../../../wire/event-chain.ts';
import type { Audited } from './audit-events.ts';
import { howToAudit } from './audit-policy.ts';
import { RegistryBaseline, type RegistryBaselineOptions } from './registry-baseline.ts';
import { RegistryRules } from './registry-events.ts';
import type { SecurityLog } from './security-log.ts';

export interface RegistryIntegrityOptions extends Omit<RegistryBaselineOptions, 'log'> {
  readonly log: Pick<SecurityLog, 'policy' | 'trouble' | 'listen' | 'read'>;
}

/**
 * File integrity of values of the registry (R206): the Security log tells what happens and who did it, the baseline finds what
 * it does not tell.
 */
export class RegistryIntegrity {
  readonly #options: RegistryIntegrityOptions;
  readonly #baseline: RegistryBaseline;
  readonly #startedAt: number;
  #rules: RegistryRules | undefined;
  #given = '';

  constructor(options: RegistryIntegrityOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    this.#baseline = new RegistryBaseline(options);
    options.log.listen({
      audited: (audited) => {
        this.#heard(audited);
      },
    });
  }

  /** The rules on keys, and how often their values are compared, hours. */
  setRules(rules: readonly FimRule[], rescanHours: number): void {
    const given = JSON.stringify([rules, rescanHours]);
    if (given === this.#given) return;
    this.#given = given;
    this.#rules = rules.length === 0 ? undefined : new RegistryRules(rules, this.#options.newId);
    this.#baseline.setRules(this.#rules, rescanHours);
  }

  /** Why values of a rule, by its id, are not told as they change, or can't be read; `undefined` where all is well. */
  trouble(id: string): string | undefined {
    const { unavailable } = this.#baseline;
    const unheard = this.#unheard();
    const parts = [
      unheard !== undefined && unavailable === undefined
        ? `${unheard}; until then they are compared every 10 minutes, without actors`
        : unheard,
      unavailable === undefined ? undefined : `values can't be compared: ${unavailable}`,
      this.#baseline.trouble(id),
    ].filter((part) => part !== undefined);
    return parts.length === 0 ? undefined : parts.join('; ');
  }

  stop(): Promise<void> {
    return this.#baseline.stop();
  }

  #unheard(): string | undefined {
    const { policy, trouble } = this.#options.log;
    if (policy?.registry === false) return `values are not audited: ${howToAudit(['registry'])}`;
    return trouble;
  }

  #heard(audited: readonly Audited[]): void {
    const events: UnsealedFimEvent[] = [];
    const changes = audited.filter((one) => one.kind === 'registry');
    for (const change of changes) {
      const event = this.#rules?.event(change, change.at < this.#startedAt);
      if (event !== undefined) events.push(event);
    }
    this.#baseline.heard(changes);
    if (events.length > 0) this.#options.events(events);
  }
}
