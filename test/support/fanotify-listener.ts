import { CHANGE, type LostChanges, type RawChange } from '../../src/collector/fim/change.ts';
import { FanotifySource } from '../../src/collector/fim/linux/source.ts';
import { RuleSet } from '../../src/collector/fim/rule-set.ts';
import { ReadableWatch } from '../../src/collector/native/readable.ts';
import { FimRuleParams } from '../../src/shared/file-integrity.ts';
import { until } from './until.ts';

type RuleInput = Partial<FimRuleParams> & { path: string };

/** Rules by their paths, or with more parameters. */
export function ruleSet(
  rules: readonly (string | RuleInput)[],
  own: readonly string[] = [],
  canary?: string,
): RuleSet {
  const whole = rules.map((rule, index) => ({
    id: `rule-${index}`,
    ...FimRuleParams.parse({ kind: 'directory', ...(typeof rule === 'string' ? { path: rule } : rule) }),
  }));
  return new RuleSet(whole, own, 'linux', canary);
}

/** A source with everything that it told. An actor is a bare pid here. */
export class FanotifyListener {
  readonly changes: RawChange[] = [];
  readonly lost: LostChanges[] = [];
  readonly failures: string[] = [];
  readonly troubles: string[] = [];
  mountsChanged = 0;
  readonly source: FanotifySource;
  readonly #watch: ReadableWatch;

  /** `asked`: called whenever the source wants to know who did something. */
  constructor(rules: RuleSet, asked: () => void = () => undefined) {
    const failed = (reason: string): void => void this.failures.push(reason);
    this.#watch = new ReadableWatch({ now: () => performance.now(), failed });
    this.source = new FanotifySource(
      {
        watch: this.#watch,
        now: () => Date.now(),
        monotonic: () => performance.now(),
        attribute: (pid) => {
          asked();
          return { actor: { state: 'known', process: { pid } } };
        },
        events: {
          changes: (changes) => void this.changes.push(...changes),
          lost: (lost) => void this.lost.push(lost),
          failed,
          log: (_level, text) => void this.troubles.push(text),
          mountsChanged: () => void (this.mountsChanged += 1),
        },
      },
      rules,
    );
    this.source.start();
  }

  /** Waits until a path was told of with all of these bits, over any number of changes. */
  async heard(path: string, what: readonly (keyof typeof CHANGE)[]): Promise<RawChange[]> {
    const wanted = what.reduce((bits, name) => bits | CHANGE[name], 0);
    return until(
      `${what.join(' and ')} of ${path}`,
      () => {
        const of = this.changes.filter((change) => change.path === path);
        const bits = of.reduce((all, change) => all | change.what, 0);
        return (bits & wanted) === wanted ? of : undefined;
      },
      20_000,
    );
  }

  async stop(): Promise<void> {
    this.source.stop();
    await this.#watch.stop();
  }
}
