import { CompactSign } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  audienceOfAgent,
  audienceOfCustomer,
  ManifestDocument,
  ProfileDocument,
} from '../shared/documents.ts';
import { ProfileSchema } from '../shared/profile.ts';
import { generateKeyPair, type KeyPair } from './keys.ts';
import { DocumentRefused, openDocument, signDocument, type Expected } from './signed-document.ts';

const platform = generateKeyPair();
const other = generateKeyPair();
const CUSTOMER = '11111111-1111-4111-8111-111111111111';
const AGENT = '22222222-2222-4222-8222-222222222222';

const profile: ProfileDocument = {
  kind: 'profile',
  customer: CUSTOMER,
  audience: audienceOfAgent(AGENT),
  version: 5,
  issuedAt: '2026-11-20T23:19:56Z',
  content: ProfileSchema.parse({ id: 'p', name: 'Laptops – Büro' }),
};
const expected: Expected = { kind: 'profile', customer: CUSTOMER, audience: profile.audience, minVersion: 5 };

const open = (jws: string, change: Partial<Expected> = {}) =>
  openDocument(jws, platform.publicKey, ProfileDocument, { ...expected, ...change });
const refused = (reason: string) => ({ name: 'DocumentRefused', message: reason });

/** A compact JWS with any payload and header: what only the owner of a key could make, or a forger without one. */
function jwsOf(payload: string | Uint8Array, header: Record<string, string> = {}, pair: KeyPair = platform) {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  return new CompactSign(bytes)
    .setProtectedHeader({ alg: 'EdDSA', kid: pair.keyId, typ: 'wayfarer-profile+jws', ...header })
    .sign(pair.privateKey);
}
const base64url = (text: string): string => Buffer.from(text).toString('base64url');

describe('signed documents', () => {
  it('R222 open for whom they were signed, with their content', async () => {
    await expect(open(await signDocument(profile, platform))).resolves.toEqual(profile);
  });

  it('say in their header what they are and whose key made them', async () => {
    const [header] = (await signDocument(profile, platform)).split('.');
    expect(JSON.parse(Buffer.from(String(header), 'base64url').toString())).toEqual({
      alg: 'EdDSA',
      kid: platform.keyId,
      typ: 'wayfarer-profile+jws',
    });
  });

  it('open at the version in force and above, not below', async () => {
    const jws = await signDocument(profile, platform);
    await expect(open(jws, { minVersion: 4 })).resolves.toEqual(profile);
    await expect(open(jws, { minVersion: 6 })).rejects.toMatchObject(
      refused('profile version 5 is older than 6: replayed'),
    );
  });

  it('are refused for another customer and for another audience', async () => {
    const jws = await signDocument(profile, platform);
    await expect(open(jws, { customer: AGENT })).rejects.toMatchObject(
      refused('profile is for another customer'),
    );
    await expect(open(jws, { audience: audienceOfCustomer(AGENT) })).rejects.toMatchObject(
      refused('profile is for another audience'),
    );
  });

  it('R222 are refused when another key signed them, whatever key they name', async () => {
    const foreign = refused('profile does not verify: ERR_JWS_SIGNATURE_VERIFICATION_FAILED');
    await expect(open(await signDocument(profile, other))).rejects.toMatchObject(foreign);
    await expect(
      open(await signDocument(profile, { ...other, keyId: platform.keyId })),
    ).rejects.toMatchObject(foreign);
  });

  it('are refused when they name another key than the one that signed them', async () => {
    const jws = await signDocument(profile, { ...platform, keyId: other.keyId });
    await expect(open(jws)).rejects.toMatchObject(refused('profile is signed by another key'));
  });

  it('are refused when they are of another kind, even with a fitting content', async () => {
    const jws = await jwsOf(JSON.stringify(profile), { typ: 'wayfarer-manifest+jws' });
    await expect(open(jws)).rejects.toMatchObject(refused('not a profile'));
    await expect(open(await jwsOf(JSON.stringify(profile), { typ: 'JWT' }))).rejects.toMatchObject(
      refused('not a profile'),
    );
  });

  it('R222 are refused with one character of any part changed', async () => {
    const jws = await signDocument(profile, platform);
    const parts = jws.split('.');
    for (const index of [0, 1, 2]) {
      const changed = parts.map((part, at) =>
        at === index ? `${part.slice(0, 9)}${part[9] === 'A' ? 'B' : 'A'}${part.slice(10)}` : part,
      );
      await expect(open(changed.join('.'))).rejects.toBeInstanceOf(DocumentRefused);
    }
  });

  it('are refused without a real signature: alg none, and HS256 keyed with the public key', async () => {
    const payload = base64url(JSON.stringify(profile));
    const head = (alg: string) =>
      base64url(JSON.stringify({ alg, kid: platform.keyId, typ: 'wayfarer-profile+jws' }));
    await expect(open(`${head('none')}.${payload}.`)).rejects.toMatchObject(
      refused('profile does not verify: ERR_JOSE_ALG_NOT_ALLOWED'),
    );
    const secret = new TextEncoder().encode(platform.publicKey);
    const forged = await new CompactSign(new TextEncoder().encode(JSON.stringify(profile)))
      .setProtectedHeader({ alg: 'HS256', kid: platform.keyId, typ: 'wayfarer-profile+jws' })
      .sign(secret);
    await expect(open(forged)).rejects.toMatchObject(
      refused('profile does not verify: ERR_JOSE_ALG_NOT_ALLOWED'),
    );
  });

  it.each(['', 'a', 'a.b', 'a.b.c', 'a.b.c.d', '..'])('are refused as %j', async (jws) => {
    await expect(open(jws)).rejects.toMatchObject(refused('profile does not verify: ERR_JWS_INVALID'));
  });

  it('are refused when the pinned key is none', async () => {
    const jws = await signDocument(profile, platform);
    await expect(openDocument(jws, 'no key', ProfileDocument, expected)).rejects.toMatchObject(
      refused('profile does not verify: not an Ed25519 public key in base64url'),
    );
  });

  it.each<[string, string | Uint8Array]>([
    ['not JSON', '{'],
    ['empty', ''],
    ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
  ])('are refused when the content is %s', async (_, payload) => {
    await expect(open(await jwsOf(payload))).rejects.toMatchObject(refused('profile is not JSON in UTF-8'));
  });

  it('are refused with the path of what is wrong in them', async () => {
    const wrong = { ...profile, content: { ...profile.content, cpuLimitPct: 'much' } };
    const error: unknown = await open(await jwsOf(JSON.stringify(wrong))).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DocumentRefused);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^profile has a wrong schema at "content\.cpuLimitPct": .+number/,
      ) as string,
      cause: { issues: [{ path: ['content', 'cpuLimitPct'] }] },
    });
    await expect(open(await jwsOf('null'))).rejects.toMatchObject({
      message: expect.stringMatching(/^profile has a wrong schema at "": .+object/) as string,
    });
  });

  it('are refused with the error underneath as the cause', async () => {
    await expect(open(await jwsOf('{'))).rejects.toMatchObject({ cause: { name: 'SyntaxError' } });
    await expect(open('a.b.c')).rejects.toMatchObject({ cause: { code: 'ERR_JWS_INVALID' } });
  });

  it('are refused when the signed kind is not the one of the schema', async () => {
    const jws = await jwsOf(JSON.stringify({ ...profile, kind: 'manifest' }));
    await expect(open(jws)).rejects.toMatchObject({
      message: expect.stringContaining('wrong schema at "kind"') as string,
    });
  });

  it('carry manifests in the same way', async () => {
    const manifest: ManifestDocument = {
      kind: 'manifest',
      customer: CUSTOMER,
      audience: audienceOfCustomer(CUSTOMER),
      version: 1,
      issuedAt: '2026-11-20T23:19:56Z',
      content: { type: 'Vulnerability', tasks: [{ id: 'deb', table: 'deb', params: {} }] },
    };
    const jws = await signDocument(manifest, platform);
    await expect(
      openDocument(jws, platform.publicKey, ManifestDocument, {
        kind: 'manifest',
        customer: CUSTOMER,
        audience: audienceOfCustomer(CUSTOMER),
        minVersion: 0,
      }),
    ).resolves.toEqual(manifest);
    await expect(open(jws)).rejects.toMatchObject(refused('not a profile'));
  });
});
