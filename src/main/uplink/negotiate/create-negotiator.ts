import type { Negotiate } from '../proxy-authentication.ts';
import { credentialSources, GssContext } from './gssapi.ts';
import { GSS_LIBRARIES, loadGssLibrary, type GssLibrary } from './gssapi-library.ts';
import { negotiateWith } from './handshake.ts';
import { SspiContext } from './sspi.ts';
import { loadSspiLibrary, type SspiLibrary } from './sspi-library.ts';

/** Negotiate, or why this host has none, with the next step where there is one. */
export type Negotiator = { readonly negotiate: Negotiate } | { readonly unavailable: string };

/** Who asks, for whom credentials are looked up. */
export interface NegotiatorOptions {
  readonly platform: NodeJS.Platform;
  /** Effective user; `undefined` on Windows. */
  readonly uid: number | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** How the libraries are loaded. */
export interface Loaders {
  readonly gss: (file: string) => GssLibrary;
  readonly sspi: () => SspiLibrary;
}

const theLoaders: Loaders = { gss: (file) => loadGssLibrary(file), sspi: () => loadSspiLibrary() };

/**
 * Loads the security library of this host: SSPI on Windows, whose default credentials are the computer account for
 * SYSTEM, GSSAPI elsewhere. Costs a few megabytes, so it is called when the first proxy asks for Negotiate. Never throws.
 */
export function createNegotiator(options: NegotiatorOptions, loaders: Loaders = theLoaders): Negotiator {
  const { platform, uid, environment } = options;
  if (platform === 'win32') {
    const sspi = attempt(loaders.sspi);
    if ('failure' in sspi) return { unavailable: `secur32.dll can't be used: ${sspi.failure}` };
    return { negotiate: negotiateWith((host) => new SspiContext(sspi.value, host)) };
  }
  const failures: string[] = [];
  for (const file of GSS_LIBRARIES[platform] ?? []) {
    const library = attempt(() => loaders.gss(file));
    if ('value' in library) {
      const sources = credentialSources(platform, uid, environment);
      return { negotiate: negotiateWith((host) => new GssContext(library.value, sources, host)) };
    }
    failures.push(whyNotLoaded(file, library.failure));
  }
  return { unavailable: failures.join('; ') || `no GSSAPI library is known for ${platform}` };
}

const PACKAGES: Readonly<Record<string, string>> = {
  'libgssapi_krb5.so.2': 'apt install libgssapi-krb5-2, or dnf install krb5-libs',
};

function whyNotLoaded(file: string, failure: string): string {
  const step = PACKAGES[file];
  const absent = failure.includes('No such file') || failure.includes('not found');
  return absent && step !== undefined
    ? `${file} is not installed: ${step}`
    : `${file} can't be used: ${failure}`;
}

function attempt<T>(act: () => T): { readonly value: T } | { readonly failure: string } {
  try {
    return { value: act() };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
