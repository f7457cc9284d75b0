import { z } from 'zod';
import type { Negotiate, NegotiateContext } from '../proxy-authentication.ts';

/** How long one step may take, ms. It may ask a KDC, which libkrb5 gives up on after about as long. */
export const STEP_DEADLINE_MS = 20_000;
/**
 * Calls to the system's library at once. Each holds one of the four threads in which Node also reads files and looks
 * names up, and a keychain or WinHTTP may hold a third.
 */
const MAX_CALLS = 2;
/** Kerberos needs two tokens, NTLM three. */
const MAX_STEPS = 8;
/** A ticket for a member of a thousand groups stays below this; so does what proxies take in one header. */
const MAX_TOKEN_BYTES = 64 * 1024;

/** Negotiate did not come to a token; the message says why, for people. */
export class NegotiateFailed extends Error {
  override readonly name = 'NegotiateFailed';
}

/** One security context of the operating system. Calls never overlap, and `release` is the last. */
export interface SecurityContext {
  /** The next token for the other side. Rejects with `NegotiateFailed`. */
  readonly step: (fromProxy: Buffer | undefined) => Promise<Buffer>;
  /** Frees what it holds. Does not throw. */
  readonly release: () => void;
}

/** A timer of `ms`; gives what stops it. Tests step it. */
export type StartTimer = (ms: number, act: () => void) => () => void;

const realTimer: StartTimer = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

const Token = z.base64().max(Math.ceil(MAX_TOKEN_BYTES / 3) * 4);
/** Names and addresses; nothing that could be another part of a service's name. */
const HOST = /^[A-Za-z0-9._:-]{1,253}$/;

/**
 * Makes handshakes of a system's security contexts: tokens in base64 and bounded, a deadline for each step, and memory
 * freed exactly once, after whatever call was under way. Two steps run at once, others wait for their turn. A step that
 * misses its deadline goes on in its thread, for nobody can stop it; when two do so, further ones fail at once until one
 * of them has come back.
 */
export function negotiateWith(
  open: (host: string) => SecurityContext,
  startTimer: StartTimer = realTimer,
): Negotiate {
  const turns = new Turns();
  return (host) => new Handshake(() => openChecked(open, host), startTimer, turns);
}

function openChecked(open: (host: string) => SecurityContext, host: string): SecurityContext {
  if (!HOST.test(host)) throw new NegotiateFailed(`${JSON.stringify(host)} is no name of a proxy`);
  return open(host);
}

/** Who may call the library now; the others begin in the order in which they came. */
class Turns {
  /** Calls whose deadline is over. */
  stuck = 0;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Begins now or later; what begins ends with `next`. */
  take(begin: () => void): void {
    if (this.#running >= MAX_CALLS) {
      this.#waiting.push(begin);
      return;
    }
    this.#running++;
    begin();
  }

  next(): void {
    this.#running--;
    const begin = this.#waiting.shift();
    if (begin !== undefined) this.take(begin);
  }
}

class Handshake implements NegotiateContext {
  readonly #open: () => SecurityContext;
  readonly #startTimer: StartTimer;
  readonly #turns: Turns;
  #context: SecurityContext | undefined;
  #running = false;
  #steps = 0;
  #closed = false;

  constructor(open: () => SecurityContext, startTimer: StartTimer, turns: Turns) {
    this.#open = open;
    this.#startTimer = startTimer;
    this.#turns = turns;
  }

  async step(fromProxy?: string): Promise<string> {
    if (this.#closed) throw over();
    if (this.#running) throw new NegotiateFailed('the last step has not ended');
    if (this.#turns.stuck >= MAX_CALLS) {
      throw new NegotiateFailed(
        `${String(MAX_CALLS)} earlier requests to the security library have no answer yet`,
      );
    }
    if (++this.#steps > MAX_STEPS)
      throw new NegotiateFailed(`the proxy asked for more than ${String(MAX_STEPS)} tokens`);
    const input = decode(fromProxy);
    const context = (this.#context ??= this.#open());
    const token = await this.#inTime(() => context.step(input));
    if (token.length === 0) throw new NegotiateFailed('the proxy asked for a token after the last one');
    return token.toString('base64');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#running) this.#context?.release();
  }

  /** Makes a call in its turn and waits up to the deadline; afterwards the call is on its own and cleans up at its end. */
  #inTime(call: () => Promise<Buffer>): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let [begun, late] = [false, false];
      const stop = this.#startTimer(STEP_DEADLINE_MS, () => {
        late = true;
        if (begun) this.#turns.stuck++;
        reject(noAnswer());
      });
      const end = (settle: () => void): void => {
        stop();
        if (begun && late) this.#turns.stuck--;
        this.#running = false;
        if (this.#closed) this.#context?.release();
        this.#turns.next();
        settle();
      };
      this.#running = true;
      this.#turns.take(() => {
        begun = !late && !this.#closed;
        const answer = begun ? call() : Promise.reject(over());
        answer.then(
          (token) => {
            end(() => resolve(token));
          },
          (error: unknown) => {
            end(() => reject(error instanceof Error ? error : new NegotiateFailed(String(error))));
          },
        );
      });
    });
  }
}

const over = (): NegotiateFailed => new NegotiateFailed('this handshake is over');
const noAnswer = (): NegotiateFailed =>
  new NegotiateFailed(`no answer from the security library within ${String(STEP_DEADLINE_MS / 1_000)} s`);

function decode(token: string | undefined): Buffer | undefined {
  if (token === undefined) return undefined;
  const parsed = Token.safeParse(token);
  if (!parsed.success) throw new NegotiateFailed('the proxy sent a token that is not base64 or is too long');
  return Buffer.from(parsed.data, 'base64');
}
