import { createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import {
  createSignatureSync,
  verifySignature,
  type SignatureComponent,
  type SignatureParameters,
} from 'http-message-sig';
import { describe, expect, it } from 'vitest';
import { contentDigest } from './digest.ts';
import { signBytes, verifyBytes } from './keys.ts';
import { SignatureRefused, signRequest, verifyRequest, type RequestParts } from './message-signature.ts';
import { agent, BODY, other, plain, refused, signedRequest, STAMP, withHeaders } from './testing/messages.ts';

const keys = new Map([[agent.keyId, agent.publicKey]]);
const keyOf = (keyId: string): string | undefined => keys.get(keyId);

/** What the protocol has a request cover, written down here once more. */
const required = ['@method', '@path', '@query', 'content-digest', 'wayfarer-customer', 'wayfarer-agent'];

/** A signature that only the one named thing makes wrong: what a careless or hostile peer could send. */
function requestSignedAs(change: {
  label?: string;
  components?: SignatureComponent[];
  parameters?: Readonly<Record<string, string | undefined>>;
}): RequestParts {
  const request = withHeaders(plain, { 'content-digest': contentDigest(BODY) });
  const parameters: SignatureParameters = {
    ...STAMP,
    keyid: agent.keyId,
    alg: 'ed25519',
    tag: 'wayfarer-v1',
    ...change.parameters,
  };
  const fields = createSignatureSync(
    {
      kind: 'request',
      method: request.method,
      targetUri: `https://any.example${request.path}${request.query}`,
      fields: Object.entries(request.headers).map(([name, value]) => ({ name, value: value ?? '' })),
    },
    {
      label: change.label ?? 'sig1',
      components: change.components ?? required,
      parameters,
      signer: {
        algorithm: parameters.alg ?? 'ed25519',
        sign: (data) => signBytes(agent, data),
      },
    },
  );
  return withHeaders(request, { 'signature-input': fields.signatureInput, signature: fields.signature });
}

describe('the library', () => {
  it('verifies the ed25519 signature of RFC 9421 appendix B.2.6', async () => {
    const x = 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs';
    const result = await verifySignature(
      {
        kind: 'request',
        method: 'POST',
        targetUri: 'https://example.com/foo?param=Value&Pet=dog',
        fields: [
          { name: 'date', value: 'Tue, 20 Apr 2021 02:07:55 GMT' },
          { name: 'content-type', value: 'application/json' },
          { name: 'content-length', value: '18' },
          {
            name: 'signature-input',
            value:
              'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")' +
              ';created=1618884473;keyid="test-key-ed25519"',
          },
          {
            name: 'signature',
            value:
              'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
          },
        ],
      },
      {
        policy: { algorithms: ['ed25519'], requiredComponents: ['@method'], requiredParameters: ['created'] },
        resolveVerifier: () => ({ algorithm: 'ed25519', verify: (data, sig) => verifyBytes(x, data, sig) }),
      },
    );
    expect(result.parameters.keyid).toBe('test-key-ed25519');
  });
});

describe('signed requests', () => {
  it('R222 are accepted and give key, nonce and time back', async () => {
    await expect(verifyRequest(signedRequest(), BODY, keyOf)).resolves.toEqual({
      keyId: agent.keyId,
      ...STAMP,
    });
  });

  it('carry exactly the input that the protocol prescribes', () => {
    expect(signRequest(plain, BODY, agent, STAMP)['signature-input']).toBe(
      'sig1=("@method" "@path" "@query" "content-digest" "wayfarer-customer" "wayfarer-agent")' +
        `;created=1795000000;nonce="${STAMP.nonce}";keyid="${agent.keyId}";alg="ed25519";tag="wayfarer-v1"`,
    );
  });

  it('sign the base of RFC 9421, section 2.5', () => {
    const fields = signRequest({ ...plain, query: '' }, BODY, agent, STAMP);
    const base = [
      '"@method": POST',
      '"@path": /CloudAgent/v1/agents/a/status',
      '"@query": ?',
      `"content-digest": ${contentDigest(BODY)}`,
      '"wayfarer-customer": c0ffee',
      '"wayfarer-agent": a9e27',
      `"@signature-params": ${String(fields['signature-input']).slice('sig1='.length)}`,
    ].join('\n');
    const signature = Buffer.from(String(fields['signature']).slice('sig1=:'.length, -1), 'base64');
    expect(verify(null, Buffer.from(base), createPublicKey(agent.privateKey), signature)).toBe(true);
  });

  it('are accepted with an empty body, without a query, and long after they were made', async () => {
    const empty = new Uint8Array();
    const request = signedRequest({ ...plain, query: '' }, empty, { ...STAMP, created: 1 });
    await expect(verifyRequest(request, empty, keyOf)).resolves.toMatchObject({ created: 1 });
    const future = signedRequest(plain, BODY, { ...STAMP, created: 99_999_999_999 });
    await expect(verifyRequest(future, BODY, keyOf)).resolves.toMatchObject({ created: 99_999_999_999 });
  });

  it.each<[string, (request: RequestParts) => RequestParts]>([
    ['method', (request) => ({ ...request, method: 'PUT' })],
    ['path', (request) => ({ ...request, path: '/CloudAgent/v1/agents/b/status' })],
    ['case of the path', (request) => ({ ...request, path: '/cloudagent/v1/agents/a/status' })],
    ['escaping of the path', (request) => ({ ...request, path: '/CloudAgent/v1/agents/%61/status' })],
    ['dots in the path', (request) => ({ ...request, path: '/CloudAgent/v1/agents/a/./status' })],
    ['query', (request) => ({ ...request, query: '?x=2' })],
    ['query, which is gone', (request) => ({ ...request, query: '' })],
    ['customer', (request) => withHeaders(request, { 'wayfarer-customer': 'c0ffe0' })],
    ['agent', (request) => withHeaders(request, { 'wayfarer-agent': 'b' })],
    ['agent, sent twice', (request) => withHeaders(request, { 'wayfarer-agent': 'a9e27, a9e27' })],
    ['agent, which is gone', (request) => withHeaders(request, { 'wayfarer-agent': undefined })],
    [
      'created',
      (request) =>
        withHeaders(request, {
          'signature-input': request.headers['signature-input']?.replace('179', '189'),
        }),
    ],
    [
      'nonce',
      (request) =>
        withHeaders(request, {
          'signature-input': request.headers['signature-input']?.replace('bm9u', 'bm9v'),
        }),
    ],
  ])('R222 are refused when the %s changed on the way', async (_, change) => {
    await expect(verifyRequest(change(signedRequest()), BODY, keyOf)).rejects.toMatchObject(
      refused(/verification failed|Missing field/),
    );
  });

  it('R222 are refused when the body changed on the way, with or without a digest that fits', async () => {
    const changed = Buffer.from('{"a":2}');
    await expect(verifyRequest(signedRequest(), changed, keyOf)).rejects.toMatchObject(
      refused('content-digest'),
    );
    const request = withHeaders(signedRequest(), { 'content-digest': contentDigest(changed) });
    await expect(verifyRequest(request, changed, keyOf)).rejects.toMatchObject(
      refused('verification failed'),
    );
  });

  it.each(['content-digest', 'signature', 'signature-input'])('are refused without %s', async (name) => {
    const request = withHeaders(signedRequest(), { [name]: undefined });
    await expect(verifyRequest(request, BODY, keyOf)).rejects.toMatchObject(refused(/missing|Missing/));
  });

  it('R222 are refused when the key is not known, and when it is another', async () => {
    await expect(verifyRequest(signedRequest(), BODY, () => undefined)).rejects.toMatchObject(
      refused('signed by an unknown key'),
    );
    await expect(verifyRequest(signedRequest(), BODY, () => other.publicKey)).rejects.toMatchObject(
      refused('verification failed'),
    );
    await expect(verifyRequest(signedRequest(), BODY, () => 'no key')).rejects.toMatchObject(
      refused('not an Ed25519 public key'),
    );
  });

  it('accept what another implementation signs by the same rules', async () => {
    await expect(verifyRequest(requestSignedAs({}), BODY, keyOf)).resolves.toMatchObject(STAMP);
  });

  it.each(
    required.map((name, index): [string, SignatureComponent[]] => [
      name,
      required.filter((_, at) => at !== index),
    ]),
  )('are refused when the signature leaves out %s', async (_, components) => {
    await expect(verifyRequest(requestSignedAs({ components }), BODY, keyOf)).rejects.toMatchObject(
      refused('is absent'),
    );
  });

  it.each<[string, Parameters<typeof requestSignedAs>[0], string]>([
    ['covers more', { components: [...required, '@scheme'] }, 'rejected by policy'],
    ['covers the same in another order', { components: [...required].reverse() }, 'rejected by policy'],
    ['has another tag', { parameters: { tag: 'wayfarer-v2' } }, 'rejected by policy'],
    ['has no tag', { parameters: { tag: undefined } }, 'tag is absent'],
    ['has no key id', { parameters: { keyid: undefined } }, 'keyid is absent'],
    ['has no algorithm', { parameters: { alg: undefined } }, 'alg is absent'],
    ['has no nonce', { parameters: { nonce: undefined } }, 'nonce is absent'],
    ['has no time', { parameters: { created: undefined } }, 'created is absent'],
    ['claims another algorithm', { parameters: { alg: 'rsa-pss-sha512' } }, 'not allowed'],
    ['has another label', { label: 'sig2' }, 'sig1 is not present'],
  ])('are refused when the signature %s', async (_, change, reason) => {
    await expect(verifyRequest(requestSignedAs(change), BODY, keyOf)).rejects.toMatchObject(refused(reason));
  });

  it('are refused when a field of the signature is doubled or garbage', async () => {
    const request = signedRequest();
    const { signature, 'signature-input': input } = request.headers;
    for (const headers of [
      { signature: `${String(signature)}, ${String(signature)}` },
      { 'signature-input': `${String(input)}, ${String(input)}` },
      { signature: 'sig1=:AAAA:' },
      { signature: 'sig1=?1' },
      { 'signature-input': 'sig1=1' },
      { signature: '\u00e9' },
      { signature: '' },
    ]) {
      await expect(verifyRequest(withHeaders(request, headers), BODY, keyOf)).rejects.toBeInstanceOf(
        SignatureRefused,
      );
    }
  });

  it('survive what proxies add: more signatures, fields beyond ASCII, pseudo-fields', async () => {
    const request = signedRequest();
    const more = withHeaders(request, {
      via: '1.1 Pr\u00fcfstelle',
      ':path': '/x',
      signature: `${String(request.headers['signature'])}, proxy=:AAAA:`,
      'signature-input': `${String(request.headers['signature-input'])}, proxy=("@method")`,
    });
    await expect(verifyRequest(more, BODY, keyOf)).resolves.toMatchObject(STAMP);
  });

  it.each([
    ['an absolute target for a path', { path: 'https://elsewhere.example/CloudAgent/' }],
    ['a path that continues the host name', { path: '.elsewhere.example/CloudAgent/' }],
    ['an empty path', { path: '' }],
    ['a query inside the path', { path: '/CloudAgent/?x=1', query: '' }],
    ['a fragment in the path', { path: '/CloudAgent/#x' }],
    ['a query without its mark', { query: 'x=1' }],
    ['a fragment in the query', { query: '?x#y' }],
  ])('are refused with %s, on both sides', async (_, change) => {
    const reason = refused(/not an absolute path|not a query/);
    await expect(verifyRequest({ ...signedRequest(), ...change }, BODY, keyOf)).rejects.toMatchObject(reason);
    expect(() => signRequest({ ...plain, ...change }, BODY, agent, STAMP)).toThrow(SignatureRefused);
  });

  it('cannot be made without customer or agent, nor over text that is not ASCII', () => {
    expect(() => signRequest({ ...plain, headers: {} }, BODY, agent, STAMP)).toThrow(SignatureRefused);
    expect(() => signRequest({ ...plain, path: '/\u00e4' }, BODY, agent, STAMP)).toThrow(SignatureRefused);
  });

  it('never throw anything but SignatureRefused, whatever the peer sends', async () => {
    const field = fc.option(fc.string({ unit: 'binary' }), { nil: undefined });
    const digest = contentDigest(BODY);
    await fc.assert(
      fc.asyncProperty(field, field, fc.string(), async (signature, input, path) => {
        const request = withHeaders(
          { ...plain, path: `/${path}` },
          { 'content-digest': digest, signature, 'signature-input': input },
        );
        await expect(verifyRequest(request, BODY, keyOf)).rejects.toBeInstanceOf(SignatureRefused);
      }),
    );
  });
});
