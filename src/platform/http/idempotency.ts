import { createHash } from 'node:crypto';
import type { Context } from '../context.ts';
import { badRequest } from '../errors.ts';
import type { FirstAnswer } from '../store/replay.ts';
import type { Answer } from './exchange.ts';
import type { AgentCall } from './agent-route.ts';

const KEY = /^[\x21-\x7e]{1,128}$/;

/** The request that an `Idempotency-Key` stands for. */
export interface Repeatable {
  readonly key: string;
  readonly path: string;
  readonly digest: string;
}

/** Reads the `Idempotency-Key`, which uploads and acknowledgements must carry. Throws 400. */
export function repeatable(call: AgentCall): Repeatable {
  const key = call.parts.headers['idempotency-key'];
  if (key === undefined || !KEY.test(key)) throw badRequest('an Idempotency-Key is needed here');
  return { key, path: call.parts.path, digest: createHash('sha256').update(call.body).digest('hex') };
}

/** The first answer, when this request is a repeat. Throws 400 when the key stood for another request. */
export function firstAnswer(context: Context, call: AgentCall, request: Repeatable): Answer | undefined {
  const first = context.store.replay.firstAnswer(call.agent.id, request.key);
  if (first === undefined) return undefined;
  if (first.path !== request.path || first.digest !== request.digest) {
    throw badRequest('this Idempotency-Key was used for another request');
  }
  return { status: first.status, body: JSON.parse(first.body) as unknown };
}

/** Keeps an answer for repeats. */
export function remember(context: Context, call: AgentCall, request: Repeatable, answer: Answer): void {
  const first: FirstAnswer = {
    path: request.path,
    digest: request.digest,
    status: answer.status,
    body: JSON.stringify(answer.body),
  };
  context.store.replay.remember(call.agent.id, request.key, first, context.now(), context.limits.answers);
}

/**
 * Does something once per `Idempotency-Key`: effect and answer are stored in one transaction. A first answer that does
 * not hold any more is forgotten, and the request done again.
 */
export function once(
  context: Context,
  call: AgentCall,
  effect: () => Answer,
  holds: (first: Answer) => boolean = () => true,
): Answer {
  const request = repeatable(call);
  return context.store.transaction(() => {
    const first = firstAnswer(context, call, request);
    if (first !== undefined && holds(first)) return first;
    if (first !== undefined) context.store.replay.forget(call.agent.id, request.key);
    const answer = effect();
    remember(context, call, request, answer);
    return answer;
  });
}
