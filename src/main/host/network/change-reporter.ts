import { FlapGate } from './flapping.ts';
import type { NetworkListener, NetworkState } from './network.ts';
import { sameState } from './state.ts';
import type { Timer } from './timer.ts';

/** Whom changes are reported to. */
export type ChangeListener = Pick<NetworkListener, 'changed' | 'unstable' | 'stable'>;

/** Turns states as they are read into reports of changes: none for a state like the last one, fewer for one that flaps. */
export class ChangeReporter {
  readonly #monotonic: () => number;
  readonly #timer: Timer;
  readonly #listener: ChangeListener;
  readonly #gate = new FlapGate();
  #latest: NetworkState | undefined;
  #reported: NetworkState | undefined;

  /** `timer` is the reporter's own, for reports that wait. */
  constructor(monotonic: () => number, timer: Timer, listener: ChangeListener) {
    this.#monotonic = monotonic;
    this.#timer = timer;
    this.#listener = listener;
  }

  /** Sets what is known already: changes count from here. */
  know(state: NetworkState): void {
    this.#latest = state;
    this.#reported = state;
  }

  /** Takes the state as it was read now. The first one is only known. */
  take(state: NetworkState): void {
    if (this.#latest === undefined) {
      this.know(state);
      return;
    }
    if (sameState(this.#latest, state)) return;
    this.#latest = state;
    const now = this.#monotonic();
    const becameUnstable = this.#gate.noteChange(now);
    if (becameUnstable && this.#gate.wait(now) > 0) this.#sayUnstable();
    this.#report();
  }

  /** Looks whether the network has become stable. */
  tick(): void {
    if (!this.#gate.noteTime(this.#monotonic())) return;
    this.#report();
    this.#listener.stable();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #report(): void {
    this.#timer.cancel();
    const latest = this.#latest;
    if (latest === undefined || this.#reported === undefined || sameState(latest, this.#reported)) return;
    const now = this.#monotonic();
    const wait = this.#gate.wait(now);
    if (wait > 0) {
      this.#timer.set(wait, () => {
        this.#report();
      });
      return;
    }
    this.#gate.noteReport(now);
    this.#reported = latest;
    this.#sayUnstable();
    this.#listener.changed(latest);
  }

  #sayUnstable(): void {
    const flapping = this.#gate.flapping();
    if (flapping !== undefined) this.#listener.unstable(flapping);
  }
}
