import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authenticationRequired, ScriptedProxy } from '../../../test/support/scripted-proxy.ts';
import { Socks5Server } from '../../../test/support/socks5-server.ts';
import { Deadline } from './deadline.ts';
import { dialClear } from './dial.ts';
import { ENDED, failureOf, type Failure } from './failure.ts';
import { ProxyAuthentication, type ProxyAccess } from './proxy-authentication.ts';
import type { ProxyCandidate } from './proxy/candidate.ts';
import { Trust } from './trust.ts';

/* A KDC that is not there, or a store of secrets that waits for a person, holds no exchange beyond its limit. */

let proxy: ScriptedProxy;
beforeEach(async () => {
  proxy = await new ScriptedProxy().start();
});
afterEach(() => proxy.close());

/** What is never answered, until `fail` is called. */
function slow<T>() {
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((_, reject) => {
    fail = reject;
  });
  return { promise, fail };
}

async function failureThrough(
  candidate: ProxyCandidate,
  authentication: ProxyAuthentication,
  deadline: Deadline,
): Promise<Failure | undefined> {
  try {
    const dialling = { trust: new Trust(), authentication };
    (await dialClear(candidate, { host: 'platform.invalid', port: 443 }, dialling, deadline)).destroy();
    return undefined;
  } catch (error) {
    return failureOf(error);
  } finally {
    deadline.end();
  }
}

/** Access whose Negotiate and credentials never answer; counts what was asked of it and closed. */
function silentAccess() {
  const token = slow<string>();
  const counted = { asked: 0, begun: 0, closed: 0 };
  let askedOnce: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    askedOnce = resolve;
  });
  const note = (): void => {
    counted.asked += 1;
    askedOnce();
  };
  const access: ProxyAccess = {
    credentials: () => {
      note();
      return slow<undefined>().promise;
    },
    negotiate: () => {
      counted.begun += 1;
      return {
        step: () => {
          note();
          return token.promise;
        },
        close: () => (counted.closed += 1),
      };
    },
  };
  return { access, counted, asked, token };
}

describe('credentials that do not come', () => {
  it.each(['Negotiate', 'Basic realm="x"'])(
    'end with the limit of the connection where a proxy asks for %s, and the handshake is closed',
    async (scheme) => {
      proxy.script = () => authenticationRequired(scheme);
      const { access, counted } = silentAccess();
      const failure = await failureThrough(
        proxy.candidate(),
        new ProxyAuthentication(access),
        new Deadline(300),
      );
      expect(failure).toEqual({
        kind: 'transport',
        code: 'ETIMEDOUT',
        reason: `CONNECT through http://127.0.0.1:${proxy.port} took longer than 0.3 s`,
      });
      expect(counted.asked).toBe(1);
      expect(counted.closed).toBe(counted.begun);
    },
  );

  it('end with the limit of the connection where a SOCKS5 proxy asks for them', async () => {
    const socks = await new Socks5Server({ username: 'u', password: 'p' }).start();
    const { access } = silentAccess();
    const failure = await failureThrough(
      socks.candidate(),
      new ProxyAuthentication(access),
      new Deadline(300),
    );
    expect(failure).toMatchObject({ kind: 'transport', code: 'ETIMEDOUT' });
    await socks.close();
  });

  it('R007 hold nobody on a network that is gone', async () => {
    proxy.script = () => authenticationRequired('Negotiate');
    const { access, asked } = silentAccess();
    const network = new AbortController();
    const failing = failureThrough(
      proxy.candidate(),
      new ProxyAuthentication(access),
      new Deadline(60_000, network.signal),
    );
    await asked;
    network.abort();
    expect(await failing).toMatchObject({ kind: 'transport', code: ENDED });
  });

  it('begin no other handshake when they come late', async () => {
    const { access, counted, asked, token } = silentAccess();
    const handshake = new ProxyAuthentication(access).begin(proxy.candidate());
    const answering = handshake.answer(['Negotiate', 'Basic realm="x"']);
    await asked;
    handshake.close();
    token.fail(new Error('no ticket'));
    await expect(answering).rejects.toThrow('no ticket; this handshake is over');
    expect(counted).toEqual({ asked: 1, begun: 1, closed: 1 });
  });
});
