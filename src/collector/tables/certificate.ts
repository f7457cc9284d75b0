import { certificateLinux } from '../linux/probe-certificate.ts';
import type { TableSpec } from '../table.ts';
import { CertificateParams } from './params.ts';

export const certificateTable: TableSpec<CertificateParams> = {
  name: 'certificate',
  group: 'probes',
  description: 'X.509 certificates in a PEM or DER file.',
  key: 'path and fingerprint',
  columns: {
    path: 'path',
    subject: 'subject, one line',
    issuer: 'issuer, one line',
    serial: 'serial number in hexadecimal',
    notBefore: 'start of validity, RFC 3339',
    notAfter: 'end of validity, RFC 3339',
    fingerprint: 'SHA-256 over the DER form, hexadecimal',
    ca: 'whether it is an authority',
    keyType: 'rsa, ec, ed25519 …',
    keyBits: 'modulus length of RSA keys',
  },
  cost: 'low',
  params: CertificateParams,
  readers: { linux: certificateLinux, win32: certificateLinux, darwin: certificateLinux },
};
