import { z } from 'zod';
import type { Negotiate, NegotiateContext } from '../proxy-authentication.ts';

/** How long one step may take, ms. It may ask a KDC, which libkrb5 gives up on after about as long. */
export const STEP_DEADLINE_MS = 20_000;
/** Handshakes that may be stuck in the system's library at once; each holds a thread. */
const MAX_STUCK = 4;
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
 * freed exactly once, after whatever call was under way. A step that misses its deadline goes on in its thread, for
 * nobody can stop it; when four do so, further handshakes fail at once until one of them has come back.
 */
export function negotiateWith(
  open: (host: string) => SecurityContext,
  startTimer: StartTimer = realTimer,
): Negotiate {
  const stuck = new Set<Promise<unknown>>();
  return (host) => new Handshake(() => openChecked(open, host), startTimer, stuck);
}

function openChecked(open: (host: string) => SecurityContext, host: string): SecurityContext {
  if (!HOST.test(host)) throw new NegotiateFailed(`${JSON.stringify(host)} is no name of a proxy`);
  return open(host);
}

class Handshake implements NegotiateContext {
  readonly #open: () => SecurityContext;
  readonly #startTimer: StartTimer;
  readonly #stuck: Set<Promise<unknown>>;
  #context: SecurityContext | undefined;
  #running: Promise<unknown> | undefined;
  #steps = 0;
  #closed = false;

  constructor(open: () => SecurityContext, startTimer: StartTimer, stuck: Set<Promise<unknown>>) {
    this.#open = open;
    this.#startTimer = startTimer;
    this.#stuck = stuck;
  }

  async step(fromProxy?: string): Promise<string> {
    if (this.#closed) throw new NegotiateFailed('this handshake is over');
    if (this.#running !== undefined) throw new NegotiateFailed('the last step has not ended');
    if (this.#stuck.size >= MAX_STUCK) {
      throw new NegotiateFailed(
        `${String(MAX_STUCK)} earlier requests to the security library have no answer yet`,
      );
    }
    if (++this.#steps > MAX_STEPS)
      throw new NegotiateFailed(`the proxy asked for more than ${String(MAX_STEPS)} tokens`);
    const input = decode(fromProxy);
    this.#context ??= this.#open();
    const token = await this.#within(this.#context.step(input));
    if (token.length === 0) throw new NegotiateFailed('the proxy asked for a token after the last one');
    return token.toString('base64');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#running === undefined) this.#context?.release();
  }

  /** Waits for a call up to the deadline; afterwards the call is on its own and cleans up when it ends. */
  #within(call: Promise<Buffer>): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stop = this.#startTimer(STEP_DEADLINE_MS, () => {
        this.#stuck.add(call);
        reject(
          new NegotiateFailed(
            `no answer from the security library within ${String(STEP_DEADLINE_MS / 1_000)} s`,
          ),
        );
      });
      this.#running = call;
      const ended = (): void => {
        stop();
        this.#stuck.delete(call);
        this.#running = undefined;
        if (this.#closed) this.#context?.release();
      };
      call.then(
        (token) => {
          ended();
          resolve(token);
        },
        (error: unknown) => {
          ended();
          reject(error instanceof Error ? error : new NegotiateFailed(String(error)));
        },
      );
    });
  }
}

function decode(token: string | undefined): Buffer | undefined {
  if (token === undefined) return undefined;
  const parsed = Token.safeParse(token);
  if (!parsed.success) throw new NegotiateFailed('the proxy sent a token that is not base64 or is too long');
  return Buffer.from(parsed.data, 'base64');
}
