import 'reflect-metadata'; // The certificate library's container needs it, and needs it first.
import { webcrypto, randomBytes } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { filesOf } from './paths.ts';
import { readIfThere, writeWhole } from './private-file.ts';

const DAY_MS = 24 * 3600 * 1000;
const CA_DAYS = 3650;
const LEAF_DAYS = 365;
/** A leaf with less than this left is replaced at start. */
const RENEW_BELOW_DAYS = 30;
/** Certificates begin a day early: a laptop's clock may be behind. */
const EARLY_MS = DAY_MS;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
type Keys = webcrypto.CryptoKeyPair;

/** What the HTTPS server needs, and the CA certificate that agents trust; all PEM. */
export interface TlsMaterial {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * The platform's certificate, made at first start: an own CA, kept for ten years, and a leaf for `localhost`,
 * loopback and `host`, renewed when fewer than 30 days are left or the host changed. `ca.pem` is 0644, keys are 0600.
 */
export async function ensureTls(dataDir: string, host: string, now: number): Promise<TlsMaterial> {
  const ca =
    (await loadPair(filesOf(dataDir).caCertificate, filesOf(dataDir).caKey)) ?? (await makeCa(dataDir, now));
  const names = [...new Set(['localhost', '127.0.0.1', '::1', host])];
  const files = filesOf(dataDir);
  const leaf = await loadPair(files.certificate, files.key);
  const good = leaf !== undefined && (await isGood(leaf.certificate, ca.certificate, names, now));
  const { certificate } = good ? leaf : await makeLeaf(dataDir, ca, names, now);
  return {
    caPem: ca.certificate.toString('pem'),
    certPem: certificate.toString('pem'),
    keyPem: readIfThere(files.key) ?? '',
  };
}

interface Pair {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

async function loadPair(certificateFile: string, keyFile: string): Promise<Pair | undefined> {
  const certificate = readIfThere(certificateFile);
  const key = readIfThere(keyFile);
  if (certificate === undefined || key === undefined) return undefined;
  const pkcs8 = x509.PemConverter.decodeFirst(key);
  return {
    certificate: new x509.X509Certificate(certificate),
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, true, ['sign']),
  };
}

async function isGood(
  certificate: x509.X509Certificate,
  ca: x509.X509Certificate,
  names: readonly string[],
  now: number,
): Promise<boolean> {
  const left = certificate.notAfter.getTime() - now;
  if (left < RENEW_BELOW_DAYS * DAY_MS) return false;
  const extension = certificate.getExtension(x509.SubjectAlternativeNameExtension);
  const held = new Set(extension?.names.items.map((name) => name.value));
  if (!names.every((name) => held.has(name))) return false;
  return certificate.verify({ publicKey: ca.publicKey, date: new Date(now) });
}

async function makeCa(dataDir: string, now: number): Promise<Pair> {
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=Wayfarer embedded platform CA',
    notBefore: new Date(now - EARLY_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const files = filesOf(dataDir);
  writeWhole(files.caKey, await pemOf(keys.privateKey), 0o600);
  writeWhole(files.caCertificate, certificate.toString('pem'), 0o644);
  return { certificate, privateKey: keys.privateKey };
}

async function makeLeaf(dataDir: string, ca: Pair, names: readonly string[], now: number): Promise<Pair> {
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: 'CN=Wayfarer embedded platform',
    issuer: ca.certificate.subject,
    notBefore: new Date(now - EARLY_MS),
    notAfter: new Date(now + LEAF_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: ca.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isAddress(value) ? 'ip' : 'dns', value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey),
    ],
  });
  const files = filesOf(dataDir);
  writeWhole(files.key, await pemOf(keys.privateKey), 0o600);
  writeWhole(files.certificate, certificate.toString('pem'), 0o644);
  return { certificate, privateKey: keys.privateKey };
}

const isAddress = (name: string): boolean => /^[\d.]+$/.test(name) || name.includes(':');

/** A positive serial number of 16 bytes (RFC 5280, 4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

const generate = (): Promise<Keys> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
