import { ES_EVENTS } from '../es-message.ts';
import type { EsHear, StartEslogger } from '../es-process.ts';
import { esLine } from './es-line.ts';

/** One run of the stand-in. */
interface FakeRun {
  readonly args: readonly string[];
  readonly hear: EsHear;
  ended: boolean;
}

/** A stand-in for eslogger that a test speaks for. It is no macOS: it says what the test has it say, in the documented form. */
export class FakeEslogger {
  readonly runs: FakeRun[] = [];
  /** What it prints as its errors instead of listening; `undefined` where it is allowed to. */
  refuses: string | undefined;
  /** It runs and says nothing, not even which events there are. */
  isMute = false;
  /** It lists the events, and says nothing more until the test has it. */
  isSlow = false;
  #sequence = 0;

  readonly start: StartEslogger = (args, hear) => {
    const run: FakeRun = { args, hear, ended: false };
    this.runs.push(run);
    queueMicrotask(() => {
      this.#answer(run);
    });
    return { end: () => void (run.ended = true) };
  };

  /** Runs that listen, without those that list the events. */
  get listening(): FakeRun[] {
    return this.runs.filter(({ args }) => args[0] === '--format');
  }

  /** What the run of now says: events as Endpoint Security has them, each by a process. */
  say(event: object, by?: object): void {
    this.#sequence += 1;
    this.print(esLine(event, { sequence: this.#sequence, ...(by === undefined ? {} : { by }) }));
  }

  print(line: string): void {
    this.#now()?.hear.output(Buffer.from(`${line}\n`));
  }

  /** Leaves out messages, as Endpoint Security does where nobody takes them. */
  drop(count: number): void {
    this.#sequence += count;
  }

  /** The run of now ends with these errors. */
  end(errors = ''): void {
    const run = this.#now();
    if (run === undefined) throw new Error('eslogger does not run');
    run.ended = true;
    run.hear.ended(errors);
  }

  #now(): FakeRun | undefined {
    return this.listening.findLast(({ ended }) => !ended);
  }

  #answer(run: FakeRun): void {
    if (run.ended || this.isMute) return;
    if (run.args[0] === '--list-events') {
      run.ended = true;
      run.hear.output(Buffer.from(`${ES_EVENTS.join('\n')}\nmount\n`));
      run.hear.ended('');
    } else if (this.isSlow) {
      this.#sequence = 0;
    } else if (this.refuses === undefined) {
      // Something always happens on a Mac.
      this.#sequence = 0;
      this.say({ exit: { stat: 0 } }, FORKED);
    } else {
      run.ended = true;
      run.hear.ended(this.refuses);
    }
  }
}

/** A process that ends at once, of which no rule of a test wants to hear. */
const FORKED = {
  audit_token: { pid: 99, pidversion: 99, euid: 0, auid: 0 },
  executable: { path: '/usr/libexec/nobody', path_truncated: false },
};
