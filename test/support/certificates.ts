import 'reflect-metadata'; // The certificate library's container needs it, and needs it first.
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** Certificate, key and the CA above, all PEM. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3600 * 1000;

/** A CA made for the occasion and one certificate of it. Times in days from now. */
export async function issueCertificate(options: {
  readonly issuer: string;
  readonly subject: string;
  readonly names: readonly string[];
  readonly fromDays?: number;
  readonly untilDays?: number;
}): Promise<IssuedCertificate> {
  const { issuer, subject, names, fromDays = -1, untilDays = 30 } = options;
  const [above, own] = [await generate(), await generate()];
  const at = (days: number): Date => new Date(Date.now() + days * DAY_MS);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: issuer,
    notBefore: at(-400),
    notAfter: at(400),
    signingAlgorithm: ALGORITHM,
    keys: above,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: ca.subject,
    notBefore: at(fromDays),
    notAfter: at(untilDays),
    signingAlgorithm: ALGORITHM,
    publicKey: own.publicKey,
    signingKey: above.privateKey,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' : 'dns', value })),
      ),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
  return {
    cert: certificate.toString('pem'),
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    ca: ca.toString('pem'),
  };
}

const generate = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
