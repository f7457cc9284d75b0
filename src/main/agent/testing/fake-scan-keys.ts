import type { OnDemandType } from '../../../shared/scan.ts';
import type { ScanKey, ScanKeyProblem, ScanKeys } from '../../host/scan-keys/scan-keys.ts';

/** Keys of scans in memory, which outlive the agent as files do. */
export class FakeScanKeys implements ScanKeys {
  readonly keys = new Map<OnDemandType, ScanKey>();
  problems: ScanKeyProblem[] = [];
  /** What the agent set, in order. */
  readonly set: [OnDemandType, number][] = [];
  /** Why nothing can be written, if so. */
  readOnly: string | undefined;
  #changed: () => void = () => undefined;

  readonly prepare = (): void => undefined;
  readonly read: ScanKeys['read'] = () => ({ keys: new Map(this.keys), problems: this.problems });
  readonly placeOf: ScanKeys['placeOf'] = (type, value) => `/keys/${type}/${value}`;

  readonly setOnDemand: ScanKeys['setOnDemand'] = (type, value) => {
    if (this.readOnly !== undefined) throw new Error(this.readOnly);
    this.set.push([type, value]);
    this.put(type, { ScanOnDemand: value });
  };

  readonly watch: ScanKeys['watch'] = (changed) => {
    this.#changed = changed;
    return () => {
      this.#changed = () => undefined;
    };
  };

  /** Changes values as an administrator does, and tells the agent, as of its own changes too. */
  put(type: OnDemandType, values: ScanKey): void {
    this.keys.set(type, { ...this.keys.get(type), ...values });
    this.touch();
  }

  touch(): void {
    this.#changed();
  }
}
