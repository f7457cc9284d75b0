import { CompactSign, compactVerify, errors, type CompactVerifyResult } from 'jose';
import type { z } from 'zod';
import { publicKeyObject, keyId, type KeyPair } from './keys.ts';

/** Why a signed document was not accepted; `message` names the check that failed. */
export class DocumentRefused extends Error {
  override readonly name = 'DocumentRefused';
}

/** `typ` of the JWS header, so that a profile can never pass for a manifest. */
const typeOf = (kind: string): string => `wayfarer-${kind}+jws`;

/** Signs a document as a compact JWS (RFC 7515) with EdDSA (RFC 8037). */
export async function signDocument(document: { readonly kind: string }, pair: KeyPair): Promise<string> {
  const payload = new TextEncoder().encode(JSON.stringify(document));
  return new CompactSign(payload)
    .setProtectedHeader({ alg: 'EdDSA', kid: pair.keyId, typ: typeOf(document.kind) })
    .sign(pair.privateKey);
}

/** What a document must be for this host to accept it. */
export interface Expected {
  readonly kind: string;
  readonly customer: string;
  readonly audience: string;
  /** Highest version accepted so far: a lower one is a replay. */
  readonly minVersion: number;
}

interface Envelope {
  readonly kind: string;
  readonly customer: string;
  readonly audience: string;
  readonly version: number;
}

/**
 * Verifies a compact JWS by the platform's key, then its schema, whom it is for and that it isn't older than what is
 * in force. Throws `DocumentRefused`; `cause` holds the schema's issues where there are any.
 */
export async function openDocument<T extends Envelope>(
  jws: string,
  platformKey: string,
  schema: z.ZodType<T>,
  expected: Expected,
): Promise<T> {
  const payload = await verifiedPayload(jws, platformKey, expected.kind);
  const parsed = schema.safeParse(payload);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') ?? '';
    throw new DocumentRefused(`${expected.kind} has a wrong schema at "${where}": ${issue?.message ?? ''}`, {
      cause: parsed.error,
    });
  }
  const document = parsed.data;
  if (document.customer !== expected.customer)
    throw new DocumentRefused(`${expected.kind} is for another customer`);
  if (document.audience !== expected.audience)
    throw new DocumentRefused(`${expected.kind} is for another audience`);
  if (document.version < expected.minVersion) {
    throw new DocumentRefused(
      `${expected.kind} version ${String(document.version)} is older than ${String(expected.minVersion)}: replayed`,
    );
  }
  return document;
}

async function verifiedPayload(jws: string, platformKey: string, kind: string): Promise<unknown> {
  const { payload, protectedHeader } = await verifiedJws(jws, platformKey, kind);
  if (protectedHeader.kid !== keyId(platformKey))
    throw new DocumentRefused(`${kind} is signed by another key`);
  if (protectedHeader.typ !== typeOf(kind)) throw new DocumentRefused(`not a ${kind}`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown;
  } catch (error) {
    throw new DocumentRefused(`${kind} is not JSON in UTF-8`, { cause: error });
  }
}

async function verifiedJws(jws: string, platformKey: string, kind: string): Promise<CompactVerifyResult> {
  try {
    return await compactVerify(jws, publicKeyObject(platformKey), { algorithms: ['EdDSA'] });
  } catch (error) {
    const reason = error instanceof errors.JOSEError ? error.code : (error as Error).message;
    throw new DocumentRefused(`${kind} does not verify: ${reason}`, { cause: error });
  }
}
