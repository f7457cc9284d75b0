import type { ScriptAnswer } from '../proxy/script.ts';
import { parseAnswer } from './answer.ts';
import { MAX_SCRIPT, PacLimits, type PacJob } from './job.ts';
import type { RunScript } from './run-script.ts';

/** How long an answer is used again, ms: an upload makes many requests to one host. */
const ANSWER_MS = 60_000;

/** Answers that are kept. */
const MAX_ANSWERS = 32;

interface Kept {
  readonly at: number;
  readonly answer: Promise<ScriptAnswer>;
}

/**
 * Asks scripts for URLs, one after the other, and keeps the answers for a minute. `now` is the time in ms since the
 * epoch.
 */
export class Evaluator {
  readonly #run: RunScript;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
  #script: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(run: RunScript, now: () => number) {
    this.#run = run;
    this.#now = now;
  }

  /** Why a script is of no use, `undefined` for one that runs and defines what it must. */
  async check(script: string): Promise<string | undefined> {
    if (script.length > MAX_SCRIPT) return `is larger than ${MAX_SCRIPT} characters`;
    const outcome = await this.#inTurn({ ...this.#job(script), question: null });
    return 'reason' in outcome ? outcome.reason : undefined;
  }

  /** What a script answers for a URL. Never rejects. */
  ask(script: string, url: URL): Promise<ScriptAnswer> {
    if (script !== this.#script) this.forget();
    this.#script = script;
    const question = questionOf(url);
    const kept = this.#kept.get(question.url);
    const age = this.#now() - (kept?.at ?? 0);
    if (kept !== undefined && age >= 0 && age < ANSWER_MS) return kept.answer;
    const answer = this.#ask(script, question);
    if (this.#kept.size >= MAX_ANSWERS) this.#kept.clear();
    this.#kept.set(question.url, { at: this.#now(), answer });
    return answer;
  }

  /** Drops all answers: another network may give others. */
  forget(): void {
    this.#kept.clear();
  }

  async #ask(script: string, question: Question): Promise<ScriptAnswer> {
    if (question.url.length > MAX_URL) {
      return { candidates: [], problem: `the URL is longer than ${MAX_URL} characters` };
    }
    const outcome = await this.#inTurn({ ...this.#job(script), question });
    return 'reason' in outcome ? { candidates: [], problem: outcome.reason } : parseAnswer(outcome.answer);
  }

  #job(script: string): Omit<PacJob, 'question'> {
    return { script, now: this.#now(), limits: PacLimits.parse({}) };
  }

  #inTurn(job: PacJob): ReturnType<RunScript> {
    const outcome = this.#last.then(() => this.#run(job));
    this.#last = outcome;
    return outcome;
  }
}

/** An answer with the trouble of its script put before its own. */
export function withProblem(problem: string | undefined, answer: ScriptAnswer): ScriptAnswer {
  const problems = [problem, answer.problem].filter((part) => part !== undefined);
  return problems.length === 0 ? answer : { ...answer, problem: problems.join('; ') };
}

interface Question {
  readonly url: string;
  readonly host: string;
}

/** Longest URL that a script is asked for, characters; `PacJob` refuses more. */
const MAX_URL = 2_048;

/**
 * What a script learns of a URL, as in Chromium: never credentials or fragment, and of an https URL only the origin;
 * IPv6 addresses as `host` without brackets.
 */
export function questionOf(url: URL): Question {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  if (['https:', 'wss:'].includes(shown.protocol)) {
    shown.pathname = '/';
    shown.search = '';
  }
  return { url: shown.href, host: shown.hostname.replace(/^\[|\]$/g, '') };
}
