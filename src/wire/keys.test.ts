import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  generateKeyPair,
  keyId,
  keyPairFromPem,
  privateKeyPem,
  publicKeyObject,
  signBytes,
  verifyBytes,
} from './keys.ts';

/** RFC 8037, appendix A.1–A.3: key pair and thumbprint. */
const X = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
const D = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A';
const THUMBPRINT = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';

const rfcKey = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x: X, d: D }, format: 'jwk' });

describe('keys', () => {
  it('names a key by its RFC 7638 thumbprint', () => {
    expect(keyId(X)).toBe(THUMBPRINT);
  });

  it('reads a PKCS #8 key with its public half and its id', () => {
    const pair = keyPairFromPem(rfcKey.export({ format: 'pem', type: 'pkcs8' }).toString());
    expect(pair.publicKey).toBe(X);
    expect(pair.keyId).toBe(THUMBPRINT);
  });

  it('writes a pair as PKCS #8 PEM and reads the same one back', () => {
    const pair = generateKeyPair();
    const pem = privateKeyPem(pair);
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(keyPairFromPem(pem).publicKey).toBe(pair.publicKey);
  });

  it('makes another pair every time', () => {
    expect(generateKeyPair().publicKey).not.toBe(generateKeyPair().publicKey);
    expect(generateKeyPair().publicKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('refuses a private key of another kind', () => {
    const { privateKey } = generateKeyPairSync('x25519');
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    expect(() => keyPairFromPem(pem)).toThrow('not an Ed25519 private key');
    expect(() => keyPairFromPem('')).toThrow();
  });

  it('makes the signature of RFC 8037 appendix A.4 and verifies it', () => {
    const pair = keyPairFromPem(rfcKey.export({ format: 'pem', type: 'pkcs8' }).toString());
    const input = Buffer.from('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc');
    const signature = signBytes(pair, input);
    expect(signature.toString('base64url')).toBe(
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    );
    expect(verifyBytes(X, input, signature)).toBe(true);
    expect(verifyBytes(X, Buffer.from('other'), signature)).toBe(false);
    expect(verifyBytes(generateKeyPair().publicKey, input, signature)).toBe(false);
    expect(verifyBytes(X, input, signature.subarray(0, 63))).toBe(false);
    expect(verifyBytes(X, input, Buffer.alloc(0))).toBe(false);
  });

  it.each([
    ['too short', X.slice(0, 42)],
    ['too long', `${X}A`],
    ['padded', `${X}=`],
    ['empty', ''],
    ['in plain base64', X.replaceAll('_', '/')],
    ['a second spelling of the same 32 bytes', `${X.slice(0, -1)}p`],
  ])('refuses a public key that is %s', (_, key) => {
    expect(() => publicKeyObject(key)).toThrow('not an Ed25519 public key');
    expect(() => verifyBytes(key, Buffer.from('x'), Buffer.alloc(64))).toThrow('not an Ed25519 public key');
  });
});
