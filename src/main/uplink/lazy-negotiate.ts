import type { Negotiate, NegotiateContext } from './proxy-authentication.ts';

/**
 * Negotiate whose library is loaded at the first step. What `load` rejects with is the reason of that step. A handshake that
 * is closed while the library loads begins nothing: nobody would free it.
 */
export function lazyNegotiate(load: () => Promise<Negotiate>): Negotiate {
  return (proxyHost) => {
    let context: NegotiateContext | undefined;
    let closed = false;
    return {
      step: async (token) => {
        const negotiate = await load();
        if (closed) throw new Error('the handshake was ended');
        context ??= negotiate(proxyHost);
        return context.step(token);
      },
      close: () => {
        closed = true;
        context?.close();
      },
    };
  };
}
