import { describe, expect, it } from 'vitest';
import { generateKeyPair } from './keys.ts';
import {
  SignatureRefused,
  signReply,
  verifyReply,
  verifyRequest,
  type ReplyParts,
  type RequestParts,
} from './message-signature.ts';
import { agent, BODY, other, plain, refused, signedRequest, STAMP, withHeaders } from './testing/messages.ts';

const platform = generateKeyPair();

function signedReply(request: RequestParts, reply: Partial<ReplyParts> = {}, pair = platform): ReplyParts {
  const parts: ReplyParts = { status: 200, headers: { etag: '"3"' }, ...reply, request };
  return withHeaders(parts, signReply(parts, BODY, pair, STAMP.created));
}

describe('signed replies', () => {
  const probe: RequestParts = {
    method: 'GET',
    path: '/CloudAgent/status',
    query: '',
    headers: { 'wayfarer-nonce': 'n1' },
  };

  it('R222 are accepted from the pinned key as the answer to this request', async () => {
    await expect(
      verifyReply(signedReply(signedRequest()), BODY, platform.publicKey),
    ).resolves.toBeUndefined();
  });

  it('carry exactly the input that the protocol prescribes', () => {
    const tail = `;created=1795000000;keyid="${platform.keyId}";alg="ed25519";tag="wayfarer-v1"`;
    const bound = '"@method";req "@path";req "@query";req';
    expect(signedReply(signedRequest()).headers['signature-input']).toBe(
      `sig1=("@status" "content-digest" "etag" ${bound} "signature";req)${tail}`,
    );
    expect(signedReply(probe, { headers: {} }).headers['signature-input']).toBe(
      `sig1=("@status" "content-digest" ${bound} "wayfarer-nonce";req)${tail}`,
    );
    expect(signedReply({ ...probe, headers: {} }, { headers: {} }).headers['signature-input']).toBe(
      `sig1=("@status" "content-digest" ${bound})${tail}`,
    );
  });

  it.each<[string, (reply: ReplyParts) => ReplyParts]>([
    ['status', (reply) => ({ ...reply, status: 401 })],
    ['etag', (reply) => withHeaders(reply, { etag: '"4"' })],
    ['etag, which is gone', (reply) => withHeaders(reply, { etag: undefined })],
    ['method asked', (reply) => ({ ...reply, request: { ...reply.request, method: 'PUT' } })],
    ['path asked', (reply) => ({ ...reply, request: { ...reply.request, path: '/x' } })],
    ['query asked', (reply) => ({ ...reply, request: { ...reply.request, query: '' } })],
    [
      'request, which was signed again',
      (reply) => ({ ...reply, request: signedRequest(plain, BODY, { ...STAMP, nonce: 'other' }) }),
    ],
    ['request, which is the probe', (reply) => ({ ...reply, request: probe })],
  ])('R222 are refused when this changed: %s', async (_, change) => {
    await expect(
      verifyReply(change(signedReply(signedRequest())), BODY, platform.publicKey),
    ).rejects.toBeInstanceOf(SignatureRefused);
  });

  it('are refused when an etag was added on the way', async () => {
    const reply = withHeaders(signedReply(signedRequest(), { headers: {} }), { etag: '"9"' });
    await expect(verifyReply(reply, BODY, platform.publicKey)).rejects.toMatchObject(
      refused('"etag" is absent'),
    );
  });

  it('R222 are refused when the body changed, and when nothing is signed at all', async () => {
    const reply = signedReply(signedRequest());
    await expect(verifyReply(reply, Buffer.from('{}'), platform.publicKey)).rejects.toMatchObject(
      refused('content-digest'),
    );
    const unsigned = withHeaders(reply, { signature: undefined, 'signature-input': undefined });
    await expect(verifyReply(unsigned, BODY, platform.publicKey)).rejects.toMatchObject(
      refused('Missing field'),
    );
  });

  it('R222 are refused from any key but the pinned one', async () => {
    const reply = signedReply(signedRequest(), {}, other);
    await expect(verifyReply(reply, BODY, platform.publicKey)).rejects.toMatchObject(
      refused('signed by an unknown key'),
    );
    const claimed = { ...other, keyId: platform.keyId };
    await expect(
      verifyReply(signedReply(signedRequest(), {}, claimed), BODY, platform.publicKey),
    ).rejects.toMatchObject(refused('verification failed'));
  });

  it('R222 to a probe fit the nonce of that probe only', async () => {
    const reply = signedReply(probe, { status: 204, headers: {} });
    await expect(verifyReply(reply, BODY, platform.publicKey)).resolves.toBeUndefined();
    const again = { ...reply, request: withHeaders(probe, { 'wayfarer-nonce': 'n2' }) };
    await expect(verifyReply(again, BODY, platform.publicKey)).rejects.toMatchObject(
      refused('verification failed'),
    );
  });

  it('are refused for a request with neither signature nor nonce, since any older reply would fit it', async () => {
    const reply = signedReply({ ...probe, headers: {} });
    await expect(verifyReply(reply, BODY, platform.publicKey)).rejects.toMatchObject(
      refused('neither signature nor nonce'),
    );
  });

  it('do not bind to a nonce where the request is signed', async () => {
    const request = withHeaders(signedRequest(), { 'wayfarer-nonce': 'n1' });
    const reply = signedReply(request);
    expect(reply.headers['signature-input']).not.toContain('wayfarer-nonce');
    await expect(verifyReply(reply, BODY, platform.publicKey)).resolves.toBeUndefined();
  });

  it('are refused without a time', async () => {
    const reply = signedReply(signedRequest());
    const input = reply.headers['signature-input']?.replace(';created=1795000000', '');
    const stripped = withHeaders(reply, { 'signature-input': input });
    await expect(verifyReply(stripped, BODY, platform.publicKey)).rejects.toMatchObject({
      ...refused('created is absent'),
      cause: { name: 'SignatureError' },
    });
  });

  it('cannot pass for requests, nor requests for replies', async () => {
    const reply = signedReply(signedRequest());
    const reflected = withHeaders(plain, reply.headers);
    await expect(verifyRequest(reflected, BODY, () => platform.publicKey)).rejects.toBeInstanceOf(
      SignatureRefused,
    );
    const request = signedRequest();
    const echoed: ReplyParts = { status: 200, headers: request.headers, request };
    await expect(verifyReply(echoed, BODY, agent.publicKey)).rejects.toBeInstanceOf(SignatureRefused);
  });

  it('to a request beyond repair are SignatureRefused, so that the platform can answer without a signature', () => {
    for (const request of [
      withHeaders(probe, { signature: '\u00ff' }),
      { ...probe, path: 'http://x/' },
      { ...probe, path: '/\u00ff' },
      { ...probe, query: '#' },
      { ...probe, method: 'A B' },
    ]) {
      expect(() => signedReply(request)).toThrow(SignatureRefused);
    }
  });
});
