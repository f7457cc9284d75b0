import { join, resolve } from 'node:path';

/** Where the platform keeps everything unless told otherwise. */
export function defaultDataDir(environment: Readonly<Record<string, string | undefined>>): string {
  const root = environment['WAYFARER_ROOT'] ?? './.wayfarer';
  return resolve(root, 'var/lib/wayfarer-platform');
}

/** The sample advisories that come with the platform. */
export const SAMPLE_ADVISORIES = join(import.meta.dirname, 'advisories');

/** Files in a data directory. Only the certificates are readable by others. */
export const filesOf = (dataDir: string) => ({
  caCertificate: join(dataDir, 'ca.pem'),
  caKey: join(dataDir, 'ca.key'),
  certificate: join(dataDir, 'server.pem'),
  key: join(dataDir, 'server.key'),
  adminToken: join(dataDir, 'admin.token'),
  lock: join(dataDir, 'serve.lock'),
});

/** URL prefix of the protocol; a WebServiceUri ends in it. */
export const BASE_PATH = '/CloudAgent/';
/** URL prefix of the admin API. */
export const ADMIN_PATH = '/admin/v1/';
