import { writeFileSync, appendFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { issueCertificate } from '../../../test/support/certificates.ts';
import { InterceptingProxy } from '../../../test/support/intercepting-proxy.ts';
import { ScriptedProxy } from '../../../test/support/scripted-proxy.ts';
import { startSigningServer, type SigningServer } from '../../../test/support/signing-server.ts';
import { generateKeyPair } from '../../wire/keys.ts';
import { PlatformClient, type ClientOptions } from './client.ts';
import { Deadline } from './deadline.ts';
import { describeFailure, type Failure } from './failure.ts';
import { ProxyAuthentication } from './proxy-authentication.ts';
import type { Candidate } from './proxy/candidate.ts';
import { testRoutes } from './test-routes.ts';
import { clientOptions } from './testing/client-options.ts';
import { inspectTls } from './tls-inspection.ts';
import { Trust } from './trust.ts';

const AGENT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const keyPair = generateKeyPair();
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serving(...tls: Parameters<typeof startSigningServer>): Promise<SigningServer> {
  const server = await startSigningServer(...tls);
  closing.push(() => server.close());
  return server;
}

interface Asking extends Partial<ClientOptions> {
  readonly candidates?: readonly Candidate[];
  readonly caFile?: string;
  readonly pinned?: boolean;
}

/** Makes one exchange with a server; why it failed. */
async function failureAt(
  server: SigningServer,
  { caFile, pinned = true, ...more }: Asking,
): Promise<Failure> {
  const client = new PlatformClient(clientOptions(server.base, caFile, more));
  closing.push(() => client.close());
  const platformKey = pinned ? server.keyPair.publicKey : undefined;
  const result = await client.exchange(
    { customerId: AGENT, agentId: AGENT, keyPair, platformKey },
    { method: 'GET', path: 'v1/config', reply: z.object({ value: z.number() }) },
  );
  if (result.ok) throw new Error('it succeeded');
  return result.failure;
}

const issuedFor = (names: readonly string[], more: { fromDays?: number; untilDays?: number } = {}) =>
  issueCertificate({ issuer: 'CN=Some CA, O=Somebody', subject: 'CN=server', names, ...more });

const html = { status: 200, body: Buffer.from('<html>'), signer: 'none' } as const;

describe('a certificate that is not trusted', () => {
  it('is told with its issuer', async () => {
    const server = await serving(await issuedFor(['127.0.0.1']));
    const failure = await failureAt(server, {});
    expect(failure.kind).toBe('tls');
    expect(describeFailure(failure)).toMatch(
      /^SELF_SIGNED_CERT_IN_CHAIN issued by CN=Some CA, O=Somebody, which neither the system nor CaFile trusts/,
    );
    expect(server.requests).toEqual([]);
  });

  it('is told with the reason why CaFile does not help', async () => {
    const server = await serving(await issuedFor(['127.0.0.1']));
    writeFileSync(server.caFile, 'no PEM');
    const failure = await failureAt(server, { caFile: server.caFile });
    expect(describeFailure(failure)).toContain(`${server.caFile} holds no PEM certificate`);
  });

  it.each([
    ['is over', { fromDays: -20, untilDays: -10 }],
    ['has not begun', { fromDays: 10, untilDays: 20 }],
  ])('because its time %s is told with the clock of this host', async (_, time) => {
    const issued = await issuedFor(['127.0.0.1'], time);
    const server = await serving(issued);
    appendFileSync(server.caFile, issued.ca);
    const failure = await failureAt(server, { caFile: server.caFile });
    expect(failure.kind).toBe('tls');
    expect(describeFailure(failure)).toMatch(
      /the clock of this host says .* is valid from .* until .*: set the clock/,
    );
  });

  it('for another name is perhaps a portal, and one for sure where the platform was seen before', async () => {
    const server = await serving(await issuedFor(['portal.hotel.example']));
    expect(await failureAt(server, {})).toMatchObject({ kind: 'portal', suspected: true });
    const knownIssuer = { get: () => 'CN=Good', set: () => undefined };
    expect(await failureAt(server, { knownIssuer })).toMatchObject({ kind: 'portal', suspected: false });
    expect(server.requests).toEqual([]);
  });

  it('of a TLS-inspecting proxy is told with the issuer, never as a portal; trusted, it serves', async () => {
    const server = await serving();
    const proxy = await InterceptingProxy.start(server.caFile);
    closing.push(() => proxy.close());
    const candidates = [proxy.candidate()];
    const knownIssuer = { get: () => 'CN=Good', set: () => undefined };
    const failure = await failureAt(server, { caFile: server.caFile, candidates, knownIssuer });
    expect(failure.kind).toBe('tls');
    expect(describeFailure(failure)).toContain('issued by CN=Inspecting CA, O=Example Corp');
    server.script = () => ({ status: 404, body: {} });
    const through = await failureAt(server, { caFile: proxy.caFile, candidates });
    expect(through).toMatchObject({ kind: 'api', status: 404, verified: true });
    expect(proxy.read).toContain('GET /CloudAgent/v1/config');
  });
});

describe('a server that answers everything with 200 and HTML', () => {
  it('under a trusted certificate is a portal, only suspected before a key is pinned', async () => {
    const server = await serving();
    server.script = () => html;
    const { caFile } = server;
    expect(await failureAt(server, { caFile })).toMatchObject({ kind: 'portal', suspected: false });
    expect(await failureAt(server, { caFile, pinned: false })).toMatchObject({
      kind: 'portal',
      suspected: true,
    });
  });

  it('behind a proxy is the doing of the proxy: no portal', async () => {
    const server = await serving();
    server.script = () => html;
    const proxy = await new ScriptedProxy().start();
    closing.push(() => proxy.close());
    const failure = await failureAt(server, { caFile: server.caFile, candidates: [proxy.candidate()] });
    expect(failure.kind).toBe('unverified');
  });

  it('gets nothing of the agent with the probe but a nonce', async () => {
    const server = await serving();
    server.script = () => html;
    await failureAt(server, { caFile: server.caFile });
    const [, probe] = server.requests;
    expect(probe?.path).toBe('/CloudAgent/status');
    expect(Object.keys(probe?.headers ?? {}).sort()).toEqual(['connection', 'host', 'wayfarer-nonce']);
  });
});

describe('a look at TLS', () => {
  const look = async (server: SigningServer, caFile?: string) => {
    const authentication = new ProxyAuthentication({ credentials: () => Promise.resolve(undefined) });
    const deadline = new Deadline(2_000);
    try {
      const dialling = { trust: new Trust(caFile), authentication };
      return await inspectTls('direct', { host: '127.0.0.1', port: server.port }, dialling, deadline);
    } finally {
      deadline.end();
    }
  };

  it('shows protocol, cipher and the chain, and whether it verifies', async () => {
    const server = await serving();
    expect(await look(server, server.caFile)).toMatchObject({
      protocol: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/) as string,
      authorized: true,
      nameMatches: true,
      chain: [
        { subject: 'CN=Wayfarer embedded platform', issuer: 'CN=Wayfarer embedded platform CA' },
        { subject: 'CN=Wayfarer embedded platform CA' },
      ],
    });
    expect(await look(server)).toMatchObject({
      authorized: false,
      error: expect.stringMatching(/^[A-Z_]+$/) as string,
    });
    expect(server.requests).toEqual([]);
  });

  it('R003 does not go below TLS 1.2 either', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(look(await serving(old))).rejects.toMatchObject({ failure: { kind: 'transport' } });
  });
});

describe('a test of the routes', () => {
  it('tries every one, and says of each what it answers', async () => {
    const server = await serving();
    server.script = () => ({ status: 204, body: Buffer.alloc(0) });
    const proxy = await new ScriptedProxy().start();
    closing.push(() => proxy.close());
    const dead = await new ScriptedProxy().start();
    const candidates: Candidate[] = [dead.candidate(), proxy.candidate('PAC'), 'direct'];
    await dead.close();
    const test = {
      resolver: { resolve: () => Promise.resolve({ candidates, problems: [] }) },
      access: { credentials: () => Promise.resolve(undefined) },
      base: server.base,
      trust: new Trust(server.caFile),
      timeoutSec: 2,
      now: Date.now,
    };
    const good = 'HTTP 204, signed by the pinned platform key';
    expect(await testRoutes({ ...test, platformKey: server.keyPair.publicKey })).toMatchObject([
      { route: 'proxy#1', ok: false, result: expect.stringMatching(/^ECONNREFUSED/) as string },
      { route: 'proxy#2', source: 'PAC', ok: true, result: good },
      { route: 'direct', proxy: null, ok: true, result: good },
    ]);
    const strange = await testRoutes({ ...test, platformKey: generateKeyPair().publicKey });
    expect(strange.map(({ ok }) => ok)).toEqual([false, false, false]);
    expect((await testRoutes(test)).map(({ ok }) => ok)).toEqual([false, true, true]);
    server.script = () => html;
    expect((await testRoutes(test)).at(-1)).toMatchObject({
      ok: false,
      result: "HTTP 200, but without the platform's signature: somebody else answers",
    });
  });
});
