import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync, unwatchFile, watchFile, type Stats } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { readRegularFile, UnsafeFile } from '../host/atomic-file.ts';
import { foreignReason } from '../host/foreign-file.ts';
import { causeOf } from './failure.ts';

/** The largest CA file that is read, bytes: all public CAs of the world take a quarter of a megabyte. */
const MAX_CA_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Where Linux distributions keep the trust store as one file: Debian, Red Hat, SUSE, Alpine. Node reads the system's
 * store once in the life of a process; a file can be read again.
 */
const SYSTEM_BUNDLES: readonly string[] =
  process.platform === 'linux'
    ? [
        '/etc/ssl/certs/ca-certificates.crt',
        '/etc/pki/tls/certs/ca-bundle.crt',
        '/etc/ssl/ca-bundle.pem',
        '/etc/ssl/cert.pem',
      ]
    : [];

/** How often the files are looked at for a change, ms. */
const LOOK_EVERY_MS = 5_000;

/**
 * Whom TLS trusts, for the platform and for proxies alike: the system's trust store and the CA file, TLS 1.2 or newer
 * (R003). Files are read again when they change, so that a new CA needs no restart.
 */
export class Trust {
  readonly #caFile: string | undefined;
  readonly #systemBundle: string | undefined;
  #stamp: string | undefined;
  #context: SecureContext | undefined;
  #problem: string | undefined;

  /** `systemBundles` are places of the system's store as a file, of which the first that exists counts. */
  constructor(caFile?: string, systemBundles = SYSTEM_BUNDLES) {
    this.#caFile = caFile;
    this.#systemBundle = systemBundles.find((path) => existsSync(path));
  }

  /** The context for a new connection. Never throws: while the CA file is of no use, what was good before counts. */
  context(): SecureContext {
    const stamp = `${stampOf(this.#caFile)}, ${stampOf(this.#systemBundle)}`;
    if (this.#context !== undefined && stamp === this.#stamp) return this.#context;
    this.#stamp = stamp;
    const own = this.#ownCertificates();
    if (own !== undefined || this.#context === undefined) {
      this.#context = contextOf(this.#systemBundle, own ?? []);
    }
    return this.#context;
  }

  /** Why the CA file is of no use now, naming it; `undefined` when it is, or none is set. */
  problem(): string | undefined {
    this.context();
    return this.#problem;
  }

  /** Whether the CAs that come with Node stand in for a system's store that is empty or can't be read. */
  usesBundled(): boolean {
    return this.#systemBundle === undefined && getCACertificates('system').length === 0;
  }

  /** Calls back when the CA file or the system's store has changed, seconds later; returns what ends it. */
  watch(changed: () => void): () => void {
    const files = [this.#caFile, this.#systemBundle].filter((file) => file !== undefined);
    // By looking again: a file may not exist yet, be replaced, or lie on a drive that reports nothing.
    for (const file of files) watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, changed);
    return () => {
      for (const file of files) unwatchFile(file, changed);
    };
  }

  #ownCertificates(): string[] | undefined {
    this.#problem = undefined;
    if (this.#caFile === undefined) return [];
    try {
      return certificatesOf(this.#caFile);
    } catch (error) {
      this.#problem = causeOf(error).reason;
      return undefined;
    }
  }
}

function contextOf(systemBundle: string | undefined, own: readonly string[]): SecureContext {
  const options = { minVersion: 'TLSv1.2' } as const;
  try {
    if (systemBundle !== undefined) {
      return createSecureContext({ ...options, ca: [readFileSync(systemBundle, 'utf8'), ...own] });
    }
  } catch {
    // A bundle that is being written or is damaged: Node's own view of the system does.
  }
  const system = getCACertificates('system');
  return createSecureContext({
    ...options,
    ca: [...(system.length > 0 ? system : getCACertificates('bundled')), ...own],
  });
}

/** What changes when a file does: inode, size, times of content and of owner or rights; the system's code when it can't be seen. */
function stampOf(path: string | undefined): string {
  if (path === undefined) return '';
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return causeOf(error).code;
  }
}

/**
 * The certificates of a PEM file, checked here: at the first connection it would look like a trouble of the network. A link
 * is followed: the system's own places are links.
 */
function certificatesOf(caFile: string): string[] {
  const check = (stat: Stats): void => {
    const foreign = foreignReason(caFile, stat);
    if (foreign !== undefined) throw new UnsafeFile(`${caFile} is not read: ${foreign.message}`);
  };
  const bytes = readRegularFile(caFile, { maxBytes: MAX_CA_FILE_BYTES, followLinks: true, check });
  const blocks = bytes.toString('utf8').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error(`${caFile} holds no PEM certificate`);
  if (!blocks.every(isCertificate)) throw new Error(`${caFile} holds a certificate that can't be read`);
  return blocks;
}

function isCertificate(block: string): boolean {
  try {
    new X509Certificate(block);
    return true;
  } catch {
    return false;
  }
}
