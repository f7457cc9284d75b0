import { X509Certificate } from 'node:crypto';
import { joinKey } from './key.ts';
import { Unreadable, type KeyedRow } from './table.ts';

/** Certificates taken of one file; a bundle of all authorities has about 150. */
const MAX_CERTIFICATES = 1_000;

const PEM = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** A name in one line: attributes stand in lines of their own in Node's form. */
const oneLine = (name: string): string => name.trim().split('\n').join(', ');

function certificateRow(path: string, certificate: X509Certificate): KeyedRow {
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const key = certificate.publicKey;
  const row = {
    path,
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serial: certificate.serialNumber.toLowerCase(),
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    fingerprint,
    ca: certificate.ca,
    keyType: key.asymmetricKeyType ?? null,
    keyBits: key.asymmetricKeyDetails?.modulusLength ?? null,
  };
  return { key: joinKey(path, fingerprint), row };
}

function parse(path: string, data: string | Buffer): KeyedRow {
  try {
    return certificateRow(path, new X509Certificate(data));
  } catch {
    throw new Unreadable(`${path}: not a certificate`);
  }
}

/** Rows of the certificates in a PEM or DER file, each once. Throws `Unreadable` where there is none. */
export function* certificateRows(path: string, bytes: Buffer): Generator<KeyedRow> {
  const blocks = bytes.toString('latin1').match(PEM)?.slice(0, MAX_CERTIFICATES);
  const seen = new Set<string>();
  for (const block of blocks ?? [bytes]) {
    const row = parse(path, block);
    if (seen.has(row.key)) continue;
    seen.add(row.key);
    yield row;
  }
}
