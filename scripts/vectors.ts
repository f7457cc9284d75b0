/**
 * Writes `test/vectors/*.json`. They are part of the protocol: run this only for a new protocol version, since agents
 * and platforms in the field rely on the stored files (see the README there).
 */
import { createPrivateKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { audienceOfAgent, audienceOfCustomer } from '../src/shared/documents.ts';
import { defaultProfile } from '../src/shared/profile.ts';
import type { Item, Row } from '../src/shared/rows.ts';
import { changeLine, DELTA_FORMAT, headerLine, DeltaHeader } from '../src/wire/delta-body.ts';
import { diff, rootOfMap, type Change } from '../src/wire/delta.ts';
import { encodeBytes } from '../src/wire/encode.ts';
import { compareKeys, EMPTY_ROOT, makeItem } from '../src/wire/item.ts';
import { keyPairFromPem, privateKeyPem, type KeyPair } from '../src/wire/keys.ts';
import { signReply, signRequest, type ReplyParts, type RequestParts } from '../src/wire/message-signature.ts';
import { signDocument } from '../src/wire/signed-document.ts';

const CUSTOMER = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const AGENT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const CREATED = 1_795_216_796;

/** Published test keys, RFC 9421 appendix B.1.4 and RFC 8037 appendix A.1: nobody can take them for real ones. */
const agent = pairOf(
  'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
);
const platform = pairOf(
  '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
);

function pairOf(x: string, d: string): KeyPair {
  const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x, d }, format: 'jwk' });
  return keyPairFromPem(key.export({ format: 'pem', type: 'pkcs8' }).toString());
}

function write(name: string, content: unknown): void {
  writeFileSync(
    new URL(`../test/vectors/${name}.json`, import.meta.url),
    `${JSON.stringify(content, undefined, 2)}\n`,
  );
}

/** Byte strings in hexadecimal; what each is for stands beside it. */
const ENCODED: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['ASCII path', '2f62696e2f6c73'],
  ['UTF-8 of two, three and four bytes', 'c3a4e282acf09f98bb'],
  ['percent sign', '31303025'],
  ['C0 controls and DEL', '00090a1f7f'],
  ['C1 control in UTF-8', 'c285'],
  ['Latin-1', '636166e92e747874'],
  ['truncated four-byte sequence', '61f09f98'],
  ['overlong slash', 'c0af'],
  ['surrogate D800 in three bytes', 'eda080'],
  ['code point above 10FFFF', 'f4908080'],
  ['byte order mark, kept', 'efbbbf61'],
  ['byte order mark before an invalid byte', 'efbbbfff'],
];

const ROWS: readonly (readonly [string, string, Row])[] = [
  ['deb', 'bash:amd64', { version: '5.2.15-2+b7', arch: 'amd64', source: 'bash' }],
  ['file', '/caf%E9', { inode: '18446744073709551615', size: 0, setuid: false, owner: null }],
  ['t', '\uffee', { '\u{1f600}': 1, '\ue000': 2, a: ['x', 'y'], A: -9_007_199_254_740_991 }],
  ['t', '\u{10000}', {}],
];
const items = ROWS.map(([table, rowKey, row]) => makeItem(table, rowKey, row));
const mapOf = (list: readonly Item[]): Map<string, Item> => new Map(list.map((item) => [item.key, item]));
const inOrder = (list: readonly Item[]): Item[] => [...list].sort((a, b) => compareKeys(a.key, b.key));
const rootVector = (name: string, list: readonly Item[]) => ({
  name,
  keysInOrder: inOrder(list).map((item) => item.key),
  hashesInOrder: inOrder(list).map((item) => item.hash),
  root: rootOfMap(mapOf(list)),
});

function bodyOf(header: DeltaHeader, changes: Iterable<Change>): string {
  return [headerLine(DeltaHeader.parse(header)), ...[...changes].map(changeLine)].join('');
}

function deltaVectors() {
  const next = inOrder([...items.slice(1), makeItem('deb', 'zsh:amd64', { version: '5.9-4+b2' })]);
  const base = {
    baseSeq: 1,
    baseRoot: rootOfMap(mapOf(items)),
    format: DELTA_FORMAT,
    type: 'Inventory',
  } as const;
  const newRoot = rootOfMap(mapOf(next));
  return [
    {
      name: 'snapshot',
      body: bodyOf(
        { ...base, baseSeq: 0, baseRoot: EMPTY_ROOT, newSeq: 1, newRoot: base.baseRoot },
        diff([], inOrder(items)),
      ),
    },
    {
      name: 'one added, one deleted',
      body: bodyOf({ ...base, newSeq: 2, newRoot }, diff(inOrder(items), next)),
    },
    {
      name: 'nothing changed',
      body: bodyOf({ ...base, baseSeq: 2, baseRoot: newRoot, newSeq: 3, newRoot }, []),
    },
  ];
}

/** The lines that a signature covers are not repeated here: `signature-input` says which they are. */
function signatureVectors() {
  const status: RequestParts = {
    method: 'POST',
    path: `/CloudAgent/v1/agents/${AGENT}/status`,
    query: '',
    headers: { 'wayfarer-customer': CUSTOMER, 'wayfarer-agent': AGENT },
  };
  const chunk: RequestParts = {
    ...status,
    method: 'PUT',
    path: '/CloudAgent/v1/x/chunks/0',
    query: '?a=%20b',
  };
  const probe: RequestParts = {
    method: 'GET',
    path: '/CloudAgent/status',
    query: '',
    headers: { 'wayfarer-nonce': 'cHJvYmUtMQ' },
  };
  const requests = [
    requestVector('request with an empty body', status, Buffer.alloc(0), 'AAAAAAAAAAAAAAAAAAAAAA'),
    requestVector('request with a query, body in gzip', chunk, gzipSync('{"a":1}'), 'AQEBAQEBAQEBAQEBAQEBAQ'),
  ];
  const [asked] = requests;
  if (asked === undefined) throw new Error('no request to answer');
  const replies = [
    replyVector(
      'reply to a signed request',
      { status: 200, headers: {}, request: asked.request },
      '{"serverTime":"2026-11-20T23:19:56Z"}',
    ),
    replyVector(
      'reply with an ETag',
      { status: 200, headers: { etag: '"3"' }, request: asked.request },
      '{}',
    ),
    replyVector('reply to the unsigned probe', { status: 204, headers: {}, request: probe }, ''),
  ];
  return { requests, replies };
}

function requestVector(name: string, request: RequestParts, body: Buffer, nonce: string) {
  const fields = signRequest(request, body, agent, { created: CREATED, nonce });
  return {
    name,
    bodyBase64: body.toString('base64'),
    request: { ...request, headers: { ...request.headers, ...fields } },
  };
}

function replyVector(name: string, reply: ReplyParts, text: string) {
  const body = Buffer.from(text);
  const fields = signReply(reply, body, platform, CREATED);
  return {
    name,
    bodyBase64: body.toString('base64'),
    reply: { ...reply, headers: { ...reply.headers, ...fields } },
  };
}

async function documentVectors() {
  const envelope = { customer: CUSTOMER, issuedAt: '2026-11-20T23:19:56Z' };
  const profile = {
    ...envelope,
    kind: 'profile',
    audience: audienceOfAgent(AGENT),
    version: 3,
    content: defaultProfile(),
  };
  const content = { type: 'Vulnerability', tasks: [{ id: 'deb', table: 'deb', params: {} }] };
  const manifest = {
    ...envelope,
    kind: 'manifest',
    audience: audienceOfCustomer(CUSTOMER),
    version: 1,
    content,
  };
  return Promise.all(
    [profile, manifest].map(async (document) => ({ document, jws: await signDocument(document, platform) })),
  );
}

write('keys', {
  agent: { publicKey: agent.publicKey, keyId: agent.keyId, privateKeyPem: privateKeyPem(agent) },
  platform: { publicKey: platform.publicKey, keyId: platform.keyId, privateKeyPem: privateKeyPem(platform) },
});
write(
  'encoding',
  ENCODED.map(([name, bytesHex]) => ({ name, bytesHex, text: encodeBytes(Buffer.from(bytesHex, 'hex')) })),
);
write(
  'items',
  ROWS.map(([table, rowKey, given]) => {
    const { key, row: canonicalRow, hash } = makeItem(table, rowKey, given);
    return { table, rowKey, row: given, key, canonicalRow, hash };
  }),
);
write('roots', [
  rootVector('empty', []),
  rootVector('one item', items.slice(0, 1)),
  rootVector('order above U+FFFF', items),
]);
write('deltas', deltaVectors());
write('signatures', signatureVectors());
write('documents', await documentVectors());
