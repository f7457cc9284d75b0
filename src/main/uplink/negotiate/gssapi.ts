import { NegotiateFailed, type SecurityContext } from './handshake.ts';
import type { CredentialStore, GssLibrary, GssStatus, Handle } from './gssapi-library.ts';

/** Where a ticket may come from; `store` is absent for what the library itself takes by default. */
export interface CredentialSource {
  /** For people. */
  readonly name: string;
  readonly store?: CredentialStore;
}

/**
 * The sources to try, in this order. For root on Linux that is the client keytab, then the host's own keytab, which a
 * host that joined a domain has; tickets stay in the memory of this process. Root's default cache is a file in /tmp that
 * any user could have put there: it is used only where the service's environment names one.
 */
export function credentialSources(
  platform: NodeJS.Platform,
  uid: number | undefined,
  environment: NodeJS.ProcessEnv,
): readonly CredentialSource[] {
  const cache = environment['KRB5CCNAME'];
  if (platform !== 'linux' || uid !== 0) return [{ name: 'the default credentials' }];
  const hostKeytab = environment['KRB5_KTNAME'] ?? 'FILE:/etc/krb5.keytab';
  return [
    cache === undefined
      ? { name: 'the client keytab of root', store: { ccache: 'MEMORY:wayfarer-client' } }
      : { name: `the ticket cache ${cache}` },
    {
      name: `the host keytab ${hostKeytab}`,
      store: { ccache: 'MEMORY:wayfarer-host', client_keytab: hostKeytab },
    },
  ];
}

/** Routine and calling errors, the upper half of a major status (RFC 2744, 3.9.1). */
const isFailure = ({ major }: GssStatus): boolean => (major & 0xffff_0000) !== 0;

/** Longest reason that is passed on, characters. */
const MAX_REASON = 300;

/** A context for `HTTP@host` under SPNEGO. The proxy is not authenticated in turn: the platform behind it is, by TLS. */
export class GssContext implements SecurityContext {
  readonly #library: GssLibrary;
  readonly #sources: readonly CredentialSource[];
  readonly #host: string;
  #credential: Handle = null;
  #target: Handle = null;
  #context: Handle = null;

  constructor(library: GssLibrary, sources: readonly CredentialSource[], host: string) {
    this.#library = library;
    this.#sources = sources;
    this.#host = host;
  }

  async step(fromProxy: Buffer | undefined): Promise<Buffer> {
    const library = this.#library;
    this.#credential ??= await this.#acquire();
    this.#target ??= await this.#importTarget();
    const step = await library.initContext({
      context: this.#context,
      credential: this.#credential,
      target: this.#target,
      input: fromProxy,
    });
    this.#context = step.context;
    if (!isFailure(step)) return step.token;
    throw new NegotiateFailed(`no ticket for HTTP@${this.#host}: ${await this.#why(step)}`);
  }

  release(): void {
    if (this.#context !== null) this.#library.deleteContext(this.#context);
    if (this.#credential !== null) this.#library.releaseCredential(this.#credential);
    if (this.#target !== null) this.#library.releaseName(this.#target);
    this.#context = this.#credential = this.#target = null;
  }

  /** The library's reason. Whoever answers for the KDC may have written it, at any length. */
  async #why(status: GssStatus): Promise<string> {
    return (await this.#library.describe(status)).slice(0, MAX_REASON);
  }

  async #importTarget(): Promise<Handle> {
    const imported = this.#library.importName(`HTTP@${this.#host}`);
    if (!isFailure(imported)) return imported.name;
    throw new NegotiateFailed(`${this.#host} is no name for Kerberos: ${await this.#why(imported)}`);
  }

  /** Credentials of the first source that has a ticket or gets one. */
  async #acquire(): Promise<Handle> {
    const reasons: string[] = [];
    for (const source of this.#sources) {
      const reason = await this.#problemOf(source);
      if (reason === undefined) {
        const acquired = await this.#library.acquire('SPNEGO', source.store);
        if (!isFailure(acquired)) return acquired.credential;
        reasons.push(`${source.name}: ${await this.#why(acquired)}`);
      } else {
        reasons.push(`${source.name}: ${reason}`);
      }
    }
    throw new NegotiateFailed(`no Kerberos ticket; ${reasons.join('; ')}`);
  }

  /** Why a source gives no ticket. Asked of Kerberos itself: SPNEGO would only say that no mechanism is left. */
  async #problemOf({ store }: CredentialSource): Promise<string | undefined> {
    const library = this.#library;
    const acquired = await library.acquire('krb5', store);
    if (isFailure(acquired)) return this.#why(acquired);
    try {
      const resolved = await library.resolve(acquired.credential);
      return isFailure(resolved) ? await this.#why(resolved) : undefined;
    } finally {
      library.releaseCredential(acquired.credential);
    }
  }
}
