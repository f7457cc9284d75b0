import type { ManifestType } from '../../shared/modules.ts';
import type { Store } from '../queue/open.ts';
import { demandKey } from './demand.ts';
import { emptyTypeFacts, type CycleRequest, type Facts, type TypeFacts } from './facts.ts';
import { earlierRequest } from './schedule.ts';

/** The facts in force. They change here only; what must outlive the process is written through at once. */
export class FactBook {
  readonly #kv: Store['kv'];
  #facts: Facts;

  constructor(facts: Facts, kv: Store['kv']) {
    this.#facts = facts;
    this.#kv = kv;
  }

  get facts(): Facts {
    return this.#facts;
  }

  update(change: Partial<Facts>): void {
    this.#facts = { ...this.#facts, ...change };
  }

  /** Changes what is known of a type. The cycle that it owes, and what the next one counts from, are kept on the disk. */
  updateType(type: ManifestType, change: Partial<TypeFacts>): void {
    const before = this.#facts.types[type] ?? emptyTypeFacts;
    const after = { ...before, ...change };
    this.update({ types: { ...this.#facts.types, [type]: after } });
    const requested = owedCycle(after);
    const { spreadMs, cycleEndedAt, notBefore } = after;
    const same =
      before.spreadMs === spreadMs && before.cycleEndedAt === cycleEndedAt && before.notBefore === notBefore;
    if (before.demand !== after.demand) this.#kv.set(demandKey(type), after.demand);
    if (!same || owedCycle(before) !== requested) {
      this.#kv.set(`cycle:${type}`, { spreadMs, cycleEndedAt, notBefore, requested });
    }
  }

  /** Asks for early cycles of types; a request never pushes an earlier one back. */
  request(types: readonly ManifestType[], requestOf: (facts: TypeFacts) => CycleRequest): void {
    for (const type of types) {
      const known = this.#facts.types[type];
      if (known !== undefined)
        this.updateType(type, { requested: earlierRequest(known.requested, requestOf(known)) });
    }
  }
}

/** The request that is still owed if the process ends now: the one that waits, or the one that is being served. */
function owedCycle({ requested, serving }: TypeFacts): CycleRequest | null {
  return serving === null ? requested : earlierRequest(requested, serving);
}
