import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/** The largest CA file that is read, bytes: all public CAs of the world take a quarter of a megabyte. */
const MAX_CA_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Whom TLS trusts, for the platform and for proxies alike: the system's trust store and the CA file, TLS 1.2 or newer
 * (R003). Both are read again when the file changes, so that a new CA needs no restart.
 */
export class Trust {
  readonly #caFile: string | undefined;
  readonly #system: () => readonly string[];
  #stamp: string | undefined;
  #context: SecureContext | undefined;
  #problem: string | undefined;

  /** `system` gives the certificates of the system's store in PEM; a seam for tests. */
  constructor(caFile?: string, system: () => readonly string[] = systemCertificates) {
    this.#caFile = caFile;
    this.#system = system;
  }

  /** The context for a new connection. Never throws: while the CA file is of no use, what was good before counts. */
  context(): SecureContext {
    const stamp = this.#caFile === undefined ? '' : stampOf(this.#caFile);
    if (this.#context !== undefined && stamp === this.#stamp) return this.#context;
    this.#stamp = stamp;
    const own = this.#read();
    if (own === undefined && this.#context !== undefined) return this.#context;
    this.#context = createSecureContext({
      ca: [...this.#system(), ...(own ?? [])],
      minVersion: 'TLSv1.2',
    });
    return this.#context;
  }

  /** Why the CA file is of no use now, naming it; `undefined` when it is, or none is set. */
  problem(): string | undefined {
    this.context();
    return this.#problem;
  }

  #read(): string[] | undefined {
    if (this.#caFile === undefined) return [];
    try {
      const certificates = certificatesOf(this.#caFile);
      this.#problem = undefined;
      return certificates;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }
}

function systemCertificates(): readonly string[] {
  const system = getCACertificates('system');
  return system.length > 0 ? system : getCACertificates('bundled');
}

/** What changes when a file does: inode, size, modification time; the system's reason when it can't be seen. */
function stampOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

/** The certificates of a PEM file, checked here: at the first connection it would look like a trouble of the network. */
function certificatesOf(caFile: string): string[] {
  if (statSync(caFile).size > MAX_CA_FILE_BYTES) {
    throw new Error(`${caFile} is larger than ${MAX_CA_FILE_BYTES} bytes`);
  }
  const blocks = readFileSync(caFile, 'utf8').match(
    /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g,
  );
  if (blocks === null) throw new Error(`${caFile} holds no PEM certificate`);
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw new Error(`${caFile} holds a certificate that can't be read`, { cause: error });
    }
  }
  return blocks;
}
