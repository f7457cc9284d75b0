import { NegotiateFailed, type SecurityContext } from './handshake.ts';
import type { SecHandle, SspiLibrary } from './sspi-library.ts';

/** Statuses that a person can do something about (winerror.h), by their unsigned value. */
const REASONS: Readonly<Record<number, string>> = {
  0x80090303: 'the domain knows no service of that name (SEC_E_TARGET_UNKNOWN)',
  0x80090304: 'the local security authority can not be reached (SEC_E_INTERNAL_ERROR)',
  0x80090308: 'the token of the proxy is invalid (SEC_E_INVALID_TOKEN)',
  0x8009030c: 'the logon was refused (SEC_E_LOGON_DENIED)',
  0x8009030e: 'there are no credentials; is the computer joined to the domain? (SEC_E_NO_CREDENTIALS)',
  0x80090311: 'no domain controller can be reached (SEC_E_NO_AUTHENTICATING_AUTHORITY)',
  0x80090322: 'the service has another account than the domain has it under (SEC_E_WRONG_PRINCIPAL)',
  0x80090324: 'the clocks of this host and the domain differ too much (SEC_E_TIME_SKEW)',
};

const describe = (status: number): string =>
  REASONS[status >>> 0] ?? `SSPI status 0x${(status >>> 0).toString(16).padStart(8, '0')}`;

/** A context for `HTTP/host` under Windows' Negotiate, with the credentials of who runs the agent. */
export class SspiContext implements SecurityContext {
  readonly #library: SspiLibrary;
  readonly #target: string;
  #credential: SecHandle | undefined;
  #context: SecHandle | undefined;

  constructor(library: SspiLibrary, host: string) {
    this.#library = library;
    this.#target = `HTTP/${host}`;
  }

  async step(fromProxy: Buffer | undefined): Promise<Buffer> {
    this.#credential ??= await this.#acquire();
    const step = await this.#library.initContext({
      credential: this.#credential,
      context: this.#context,
      target: this.#target,
      input: fromProxy,
    });
    // A failed first call makes no context; a failed later one leaves the old one to be deleted.
    if (step.status < 0) throw new NegotiateFailed(`no token for ${this.#target}: ${describe(step.status)}`);
    this.#context = step.context;
    return step.token;
  }

  release(): void {
    if (this.#context !== undefined) this.#library.deleteContext(this.#context);
    if (this.#credential !== undefined) this.#library.freeCredential(this.#credential);
    this.#context = this.#credential = undefined;
  }

  async #acquire(): Promise<SecHandle> {
    const { status, credential } = await this.#library.acquire();
    if (status < 0) throw new NegotiateFailed(`no credentials for Negotiate: ${describe(status)}`);
    return credential;
  }
}
