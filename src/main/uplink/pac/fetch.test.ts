import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchScript, type FetchOptions } from './fetch.ts';
import { MAX_SCRIPT } from './job.ts';
import { Unavailable } from './script-text.ts';
import { localhostCertificate } from './testing/certificate.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listening(server: Server, scheme = 'http'): Promise<URL> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/proxy.pac`);
}
const serve = (listener: RequestListener): Promise<URL> => listening(createServer(listener));

const never = new AbortController().signal;
const options = (more: Partial<FetchOptions> = {}): FetchOptions => ({
  secureContext: () => createSecureContext({ ca: [] }),
  now: () => 0,
  signal: never,
  debug: () => undefined,
  ...more,
});

/** Answers `count` redirects, then a script. */
const redirecting =
  (count: number, location = (n: number) => `/${n}`): RequestListener =>
  (request, response) => {
    const done = Number(/\/(\d+)$/.exec(request.url ?? '')?.[1] ?? 0);
    if (done < count) response.writeHead(302, { location: location(done + 1) }).end();
    else response.end('// script');
  };

describe('fetching a script', () => {
  it('gives its text and how long it is fresh', async () => {
    const url = await serve((request, response) => {
      response.setHeader('cache-control', 'max-age=600');
      response.setHeader('content-type', 'application/x-ns-proxy-autoconfig; charset=iso-8859-1');
      response.end(Buffer.from(`// ${request.method} ${request.url} grün`, 'latin1'));
    });
    expect(await fetchScript(url, options())).toEqual({ script: '// GET /proxy.pac grün', freshMs: 600_000 });
  });

  it('takes another content type and tells only the debugger', async () => {
    const told: string[] = [];
    const url = await serve((_request, response) =>
      response.setHeader('content-type', 'text/html').end('//'),
    );
    expect((await fetchScript(url, options({ debug: (message) => told.push(message) }))).script).toBe('//');
    expect(told).toEqual(['a proxy script came as text/html']);
  });

  it.each([404, 204, 500, 407])('does not take what comes with status %i', async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end());
    await expect(fetchScript(url, options())).rejects.toThrow(`the server answers ${status}`);
  });

  it('follows three redirects, and no fourth', async () => {
    expect((await fetchScript(await serve(redirecting(3)), options())).script).toBe('// script');
    await expect(fetchScript(await serve(redirecting(4)), options())).rejects.toThrow(
      'redirects more than 3 times',
    );
  });

  it('does not wait for the page that comes with a redirect', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/1') response.end('// script');
      else response.writeHead(302, { location: '/1' }).write(Buffer.alloc(MAX_SCRIPT, 0x20));
    });
    expect((await fetchScript(url, options({ wholeMs: 5_000 }))).script).toBe('// script');
  });

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'http://user:secret@127.0.0.1/', 'http://['])(
    'does not follow a redirect to %s',
    async (location) => {
      const url = await serve(redirecting(1, () => location));
      await expect(fetchScript(url, options())).rejects.toThrow('redirects to something');
    },
  );

  it('does not follow a redirect that says nowhere', async () => {
    const url = await serve((_request, response) => response.writeHead(301).end());
    await expect(fetchScript(url, options())).rejects.toThrow('redirects to something');
  });

  it('refuses a larger body by what is announced', async () => {
    const url = await serve((_request, response) => {
      response.setHeader('content-length', 10 * MAX_SCRIPT);
      response.flushHeaders();
    });
    await expect(fetchScript(url, options())).rejects.toThrow('is larger than 1048576 bytes');
  });

  it('refuses an endless body once it is too large', async () => {
    let sent = 0;
    const url = await serve((_request, response) => {
      const more = (): void => {
        sent += 65_536;
        if (response.write(Buffer.alloc(65_536, 0x20))) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    await expect(fetchScript(url, options())).rejects.toThrow('is larger than 1048576 bytes');
    expect(sent).toBeLessThan(20 * MAX_SCRIPT);
  });

  it('takes a body of 1 MB to the last byte', async () => {
    const url = await serve((_request, response) => response.end(Buffer.alloc(MAX_SCRIPT, 0x20)));
    expect((await fetchScript(url, options())).script).toHaveLength(MAX_SCRIPT);
  });

  it('refuses what comes compressed: a megabyte of that may be a gigabyte', async () => {
    const url = await serve((_request, response) => response.setHeader('content-encoding', 'gzip').end('x'));
    await expect(fetchScript(url, options())).rejects.toThrow('comes compressed');
  });

  it.each([
    ['headers', (): void => undefined],
    ['body', (_request, response): void => void response.write('// a')],
  ] satisfies [string, RequestListener][])(
    'gives up when the %s do not come in time',
    async (_name, listener) => {
      const url = await serve(listener);
      await expect(fetchScript(url, options({ wholeMs: 150 }))).rejects.toThrow(
        'was not there within 0.15 s',
      );
    },
  );

  it('ends when it is told to', async () => {
    const abort = new AbortController();
    const url = await serve(() => abort.abort());
    await expect(fetchScript(url, options({ signal: abort.signal }))).rejects.toThrow('the network changed');
  });

  it('says why a server can not be reached', async () => {
    const url = await serve(() => undefined);
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    await expect(fetchScript(url, options())).rejects.toThrow(/can't be fetched: ECONNREFUSED/);
    await expect(fetchScript(url, options())).rejects.toThrow(Unavailable);
  });

  it('goes to the address that a lookup gives', async () => {
    const url = await serve((request, response) => response.end(`// ${request.headers.host}`));
    url.hostname = 'wpad.example.com';
    const lookup: FetchOptions['lookup'] = (_name, { all }, callback) => {
      if (all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    };
    expect((await fetchScript(url, options({ lookup }))).script).toBe(`// wpad.example.com:${url.port}`);
  });
});

describe('fetching a script over https', async () => {
  const { cert, key } = await localhostCertificate();
  const secure = async (listener: RequestListener): Promise<URL> => {
    const url = await listening(createTlsServer({ cert, key }, listener), 'https');
    url.hostname = 'localhost';
    return url;
  };
  const trusting = () => options({ secureContext: () => createSecureContext({ ca: [cert] }) });

  it('works with a CA that is trusted, and with no other', async () => {
    const url = await secure((_request, response) => response.end('// safe'));
    expect((await fetchScript(url, trusting())).script).toBe('// safe');
    await expect(fetchScript(url, options())).rejects.toThrow(
      /can't be fetched: DEPTH_ZERO_SELF_SIGNED_CERT/,
    );
  });

  it('does not follow a redirect to http', async () => {
    const plain = await serve((_request, response) => response.end('// unsafe'));
    const url = await secure(redirecting(1, () => plain.href));
    await expect(fetchScript(url, trusting())).rejects.toThrow('redirects from https to http');
  });
});
