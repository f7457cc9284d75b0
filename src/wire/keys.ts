import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { PublicKey } from '../shared/ids.ts';

/** An Ed25519 key pair; the private half never leaves the host that made it. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  /** Raw public key, base64url without padding, 43 characters. */
  readonly publicKey: string;
  /** `keyid` of signatures: see `keyId`. */
  readonly keyId: string;
}

/** Makes a new Ed25519 key pair from the operating system's random source. */
export function generateKeyPair(): KeyPair {
  return keyPairFrom(generateKeyPairSync('ed25519').privateKey);
}

/** The pair that belongs to a private key in PKCS #8 PEM. Throws when it is not an Ed25519 key. */
export function keyPairFromPem(pem: string): KeyPair {
  return keyPairFrom(createPrivateKey(pem));
}

function keyPairFrom(privateKey: KeyObject): KeyPair {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 private key');
  const publicKey = createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '';
  return { privateKey, publicKey, keyId: keyId(publicKey) };
}

/** The private key in PKCS #8 PEM, for a root-only file. */
export function privateKeyPem(pair: KeyPair): string {
  return pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** The key object of a raw public key in base64url. Throws when it is not the one spelling of 32 bytes. */
export function publicKeyObject(publicKey: string): KeyObject {
  if (!PublicKey.safeParse(publicKey).success) throw new Error('not an Ed25519 public key in base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
}

/** RFC 7638 thumbprint of the public key: the `keyid` in signatures and the fingerprint that people compare. */
export function keyId(publicKey: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${publicKey}"}`).digest('base64url');
}

/** Ed25519 signature (RFC 8032), 64 bytes. */
export function signBytes(pair: KeyPair, data: Uint8Array): Buffer {
  return sign(null, data, pair.privateKey);
}

/** Whether a signature is this key's over these bytes. Throws on a malformed key, never on a malformed signature. */
export function verifyBytes(publicKey: string, data: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, data, publicKeyObject(publicKey), signature);
}
