import { certificateRows } from '../certificates.ts';
import { forbidKernelFiles } from '../content-policy.ts';
import { readBytes } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import type { CertificateParams } from '../tables/params.ts';

/** An absent file gives no row. */
function* readCertificate(context: ReadContext, { path }: CertificateParams): Generator<KeyedRow> {
  const bytes = readBytes(context, path, { forbid: forbidKernelFiles });
  if (bytes !== undefined) yield* certificateRows(path, bytes);
}

export const certificateLinux: Reader<CertificateParams> = {
  source: 'the file, PEM or DER, of at most 1 MiB',
  root: 'partly',
  read: readCertificate,
};
