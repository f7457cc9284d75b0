import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ManifestDocument, ProfileDocument } from '../shared/documents.ts';
import { RowSchema, type Item } from '../shared/rows.ts';
import { changeLine, headerLine, parseChange, parseHeader } from './delta-body.ts';
import { applyChanges, rootOfMap, type Change } from './delta.ts';
import { encodeBytes } from './encode.ts';
import { makeItem, rootOf } from './item.ts';
import { keyId, keyPairFromPem } from './keys.ts';
import { signReply, signRequest, verifyReply, verifyRequest } from './message-signature.ts';
import { openDocument, signDocument } from './signed-document.ts';

/** The stored files are the truth: this never writes them, and neither does any other test. */
function load<T>(name: string, schema: z.ZodType<T>): T {
  const text = readFileSync(new URL(`../../test/vectors/${name}.json`, import.meta.url), 'utf8');
  return schema.parse(JSON.parse(text));
}

const Key = z.object({ publicKey: z.string(), keyId: z.string(), privateKeyPem: z.string() });
const keys = load('keys', z.object({ agent: Key, platform: Key }));
const agent = keyPairFromPem(keys.agent.privateKeyPem);
const platform = keyPairFromPem(keys.platform.privateKeyPem);

const Request = z.object({
  method: z.string(),
  path: z.string(),
  query: z.string(),
  headers: z.record(z.string(), z.string()),
});
const Reply = z.object({ status: z.number(), headers: z.record(z.string(), z.string()), request: Request });
const signatures = load(
  'signatures',
  z.object({
    requests: z.array(z.object({ name: z.string(), bodyBase64: z.string(), request: Request })).min(1),
    replies: z.array(z.object({ name: z.string(), bodyBase64: z.string(), reply: Reply })).min(1),
  }),
);
const SIGNED = ['content-digest', 'signature-input', 'signature'] as const;
const unsigned = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !SIGNED.some((field) => field === name)));
const createdOf = (headers: Record<string, string>): number =>
  Number(/;created=(\d+)/.exec(headers['signature-input'] ?? '')?.[1]);
const nonceOf = (headers: Record<string, string>): string =>
  /;nonce="([^"]*)"/.exec(headers['signature-input'] ?? '')?.[1] ?? '';

describe('the vectors of the protocol', () => {
  it.each([keys.agent, keys.platform])('name the key $keyId by its public half', (stored) => {
    expect(keyPairFromPem(stored.privateKeyPem)).toMatchObject({
      publicKey: stored.publicKey,
      keyId: stored.keyId,
    });
    expect(keyId(stored.publicKey)).toBe(stored.keyId);
  });

  it.each(
    load('encoding', z.array(z.object({ name: z.string(), bytesHex: z.string(), text: z.string() })).min(1)),
  )('encode: $name', ({ bytesHex, text }) => {
    expect(encodeBytes(Buffer.from(bytesHex, 'hex'))).toBe(text);
  });

  const StoredItem = z.object({
    ...{ table: z.string(), rowKey: z.string(), row: RowSchema },
    ...{ key: z.string(), canonicalRow: z.string(), hash: z.string() },
  });
  it.each(load('items', z.array(StoredItem).min(1)))('R220 item: $key', (stored) => {
    const { table, rowKey, row, key, canonicalRow, hash } = stored;
    expect(makeItem(table, rowKey, row)).toEqual({ key, row: canonicalRow, hash });
    expect(createHash('sha256').update(`${key}\0${canonicalRow}`).digest('hex')).toBe(hash);
  });

  const Root = z.object({
    ...{ name: z.string(), keysInOrder: z.array(z.string()) },
    ...{ hashesInOrder: z.array(z.string()), root: z.string() },
  });
  it.each(load('roots', z.array(Root).min(1)))('R220 root: $name', ({ keysInOrder, hashesInOrder, root }) => {
    expect(rootOf(hashesInOrder)).toBe(root);
    const unordered = keysInOrder.map((key, at) => ({ key, hash: hashesInOrder[at] ?? '' })).reverse();
    expect(rootOfMap(new Map(unordered.map((item) => [item.key, item])))).toBe(root);
  });

  it('R022 R220 deltas lead from one root to the next', () => {
    const bodies = load('deltas', z.array(z.object({ name: z.string(), body: z.string() })).length(3));
    let map = new Map<string, Item>();
    for (const { body } of bodies) {
      const [first = '', ...lines] = body.trimEnd().split('\n');
      const header = parseHeader(first);
      const changes: Change[] = [];
      let previous: string | undefined;
      for (const line of lines) {
        const change = parseChange(line, previous);
        previous = 'set' in change ? change.set.key : change.del;
        changes.push(change);
      }
      expect(rootOfMap(map)).toBe(header.baseRoot);
      map = applyChanges(map, changes);
      expect(rootOfMap(map)).toBe(header.newRoot);
      expect([headerLine(header), ...changes.map(changeLine)].join('')).toBe(body);
    }
  });

  it.each(signatures.requests)('R222 $name', async ({ bodyBase64, request }) => {
    const body = Buffer.from(bodyBase64, 'base64');
    const stamp = { created: createdOf(request.headers), nonce: nonceOf(request.headers) };
    await expect(verifyRequest(request, body, () => keys.agent.publicKey)).resolves.toEqual({
      keyId: keys.agent.keyId,
      ...stamp,
    });
    const bare = { ...request, headers: unsigned(request.headers) };
    expect(signRequest(bare, body, agent, stamp)).toEqual(
      Object.fromEntries(SIGNED.map((field) => [field, request.headers[field]])),
    );
  });

  it.each(signatures.replies)('R222 $name', async ({ bodyBase64, reply }) => {
    const body = Buffer.from(bodyBase64, 'base64');
    await expect(verifyReply(reply, body, keys.platform.publicKey)).resolves.toBeUndefined();
    const bare = { ...reply, headers: unsigned(reply.headers) };
    expect(signReply(bare, body, platform, createdOf(reply.headers))).toEqual(
      Object.fromEntries(SIGNED.map((field) => [field, reply.headers[field]])),
    );
  });

  it('R222 documents open under the platform key, and are signed to the same bytes', async () => {
    const Stored = z.array(z.object({ jws: z.string(), document: z.unknown() })).length(2);
    for (const { jws, document } of load('documents', Stored)) {
      const { kind, customer, audience, version } = z
        .looseObject({ kind: z.string(), customer: z.string(), audience: z.string(), version: z.number() })
        .parse(document);
      const schema: z.ZodType<ProfileDocument | ManifestDocument> =
        kind === 'profile' ? ProfileDocument : ManifestDocument;
      const opened = openDocument(jws, keys.platform.publicKey, schema, {
        ...{ kind, customer, audience, minVersion: version },
      });
      // All that was signed is there; parameters that came later have their defaults.
      await expect(opened).resolves.toMatchObject(document as object);
      await expect(opened).resolves.toEqual(schema.parse(document));
      await expect(signDocument(document as { kind: string }, platform)).resolves.toBe(jws);
    }
  });
});
