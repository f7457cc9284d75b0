import { describe, expect, it } from 'vitest';
import { credentialSources, GssContext } from './gssapi.ts';
import type { CredentialStore, GssLibrary, GssStatus, Handle } from './gssapi-library.ts';
import { NegotiateFailed } from './handshake.ts';

const DONE: GssStatus = { major: 0, minor: 0 };
const CONTINUE: GssStatus = { major: 1, minor: 0 };
const NO_CRED: GssStatus = { major: 7 << 16, minor: 1 };
const FAILURE: GssStatus = { major: 13 << 16, minor: 2 };

/** A library that counts what it gave out and what came back. */
class FakeGss implements GssLibrary {
  readonly acquired: (string | undefined)[] = [];
  readonly held = new Set<Handle>();
  readonly contexts: Handle[] = [];
  resolving = (_: CredentialStore | undefined): GssStatus => DONE;
  init: GssStatus = CONTINUE;
  importing: GssStatus = DONE;
  target = '';
  #next = 0n;
  readonly #stores = new Map<Handle, CredentialStore | undefined>();

  importName = (name: string): GssStatus & { name: Handle } => {
    this.target = name;
    return { ...this.importing, name: this.importing === DONE ? this.#give() : null };
  };
  releaseName = (name: Handle): void => this.#takeBack(name);
  acquire = (
    mechanism: string,
    store: CredentialStore | undefined,
  ): Promise<GssStatus & { credential: Handle }> => {
    this.acquired.push(`${mechanism} ${store?.client_keytab ?? store?.ccache ?? 'default'}`);
    const credential = this.#give();
    this.#stores.set(credential, store);
    return Promise.resolve({ ...DONE, credential });
  };
  resolve = (credential: Handle): Promise<GssStatus> =>
    Promise.resolve(this.resolving(this.#stores.get(credential)));
  releaseCredential = (credential: Handle): void => this.#takeBack(credential);
  initContext = ({
    context,
  }: {
    context: Handle;
  }): Promise<GssStatus & { context: Handle; token: Buffer }> => {
    this.contexts.push(context);
    return Promise.resolve({ ...this.init, context: context ?? this.#give(), token: Buffer.from('token') });
  };
  deleteContext = (context: Handle): void => this.#takeBack(context);
  describe = ({ minor }: GssStatus): Promise<string> =>
    Promise.resolve(['', 'no cache', 'unknown server'][minor] ?? '');

  #give(): Handle {
    this.held.add(++this.#next);
    return this.#next;
  }
  #takeBack(handle: Handle): void {
    if (!this.held.delete(handle)) throw new Error(`released twice: ${String(handle)}`);
  }
}

describe('where a ticket may come from', () => {
  it('is a keytab in memory for root on Linux, never the cache that any user can put into /tmp', () => {
    expect(credentialSources('linux', 0, {})).toEqual([
      { name: 'the client keytab of root', store: { ccache: 'MEMORY:wayfarer-client' } },
      {
        name: 'the host keytab FILE:/etc/krb5.keytab',
        store: { ccache: 'MEMORY:wayfarer-host', client_keytab: 'FILE:/etc/krb5.keytab' },
      },
    ]);
  });

  it('follows what the environment of the service names', () => {
    const sources = credentialSources('linux', 0, {
      KRB5CCNAME: 'KCM:',
      KRB5_KTNAME: 'FILE:/srv/host.keytab',
    });
    expect(sources[0]).toEqual({ name: 'the ticket cache KCM:' });
    expect(sources[1]?.store).toEqual({
      ccache: 'MEMORY:wayfarer-host',
      client_keytab: 'FILE:/srv/host.keytab',
    });
  });

  it('is what the library takes by default for a user, and on macOS', () => {
    const byDefault = [{ name: 'the default credentials' }];
    expect(credentialSources('linux', 1000, {})).toEqual(byDefault);
    expect(credentialSources('darwin', 0, {})).toEqual(byDefault);
  });
});

describe('a context of GSSAPI', () => {
  const sources = credentialSources('linux', 0, {});

  it('asks for HTTP@host with the first credentials that have a ticket, and keeps them for the next step', async () => {
    const gss = new FakeGss();
    const context = new GssContext(gss, sources, 'proxy.example');
    expect(await context.step(undefined)).toEqual(Buffer.from('token'));
    await context.step(Buffer.from('more'));
    expect(gss.target).toBe('HTTP@proxy.example');
    expect(gss.acquired).toEqual(['krb5 MEMORY:wayfarer-client', 'SPNEGO MEMORY:wayfarer-client']);
    expect(gss.contexts[0]).toBeNull();
    expect(gss.contexts[1]).not.toBeNull();
    context.release();
    expect(gss.held.size).toBe(0);
  });

  it('goes on to the next credentials where the first ones have no ticket', async () => {
    const gss = new FakeGss();
    gss.resolving = (store) => (store?.client_keytab === undefined ? NO_CRED : DONE);
    const context = new GssContext(gss, sources, 'proxy.example');
    await context.step(undefined);
    expect(gss.acquired.at(-1)).toBe('SPNEGO FILE:/etc/krb5.keytab');
    context.release();
    expect(gss.held.size).toBe(0);
  });

  it('names every place without a ticket, and keeps nothing', async () => {
    const gss = new FakeGss();
    gss.resolving = () => NO_CRED;
    const context = new GssContext(gss, sources, 'proxy.example');
    await expect(context.step(undefined)).rejects.toThrow(
      'no Kerberos ticket; the client keytab of root: no cache; the host keytab FILE:/etc/krb5.keytab: no cache',
    );
    context.release();
    expect(gss.held.size).toBe(0);
  });

  it('says for which service there is no ticket, and frees the half-made context', async () => {
    const gss = new FakeGss();
    gss.init = FAILURE;
    const context = new GssContext(gss, sources, 'proxy.example');
    await expect(context.step(undefined)).rejects.toThrow('no ticket for HTTP@proxy.example: unknown server');
    context.release();
    context.release();
    expect(gss.held.size).toBe(0);
  });

  it('passes on 300 characters of a reason, which may come from whoever answers for the KDC', async () => {
    const gss = new FakeGss();
    gss.init = FAILURE;
    gss.describe = () => Promise.resolve('x'.repeat(1_000_000));
    const context = new GssContext(gss, sources, 'proxy.example');
    await expect(context.step(undefined)).rejects.toThrow(
      new NegotiateFailed(`no ticket for HTTP@proxy.example: ${'x'.repeat(300)}`),
    );
    context.release();
  });

  it('frees its credentials when the name of the proxy is refused', async () => {
    const gss = new FakeGss();
    gss.importing = FAILURE;
    const context = new GssContext(gss, sources, 'proxy.example');
    await expect(context.step(undefined)).rejects.toThrow('proxy.example is no name for Kerberos');
    context.release();
    expect(gss.held.size).toBe(0);
  });
});
