import {
  component,
  componentIdentity,
  createSignatureSync,
  verifySignature,
  type FieldOccurrence,
  type RequestDescriptor,
  type ResponseDescriptor,
  type SignatureComponent,
  type VerifiedSignature,
  type Verifier,
} from 'http-message-sig';
import { SIGNATURE_TAG } from '../shared/wire.ts';
import { contentDigest, digestMatches } from './digest.ts';
import { keyId, signBytes, verifyBytes, type KeyPair } from './keys.ts';

/**
 * Header fields by lower-case name, one value each; repeated fields are joined by the HTTP library. Only the ones that
 * a signature of this protocol covers are looked at: what a proxy adds beside them can't break it.
 */
export type Headers = Readonly<Record<string, string | undefined>>;

/** What a signature sees of a request. `path` is absolute and raw, `query` begins with `?` or is empty. */
export interface RequestParts {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
}

/** What a signature sees of a reply, with the request that it answers. */
export interface ReplyParts {
  readonly status: number;
  readonly headers: Headers;
  readonly request: RequestParts;
}

/** Why a message was not accepted. `reason` is for the log; nothing in it is secret. */
export class SignatureRefused extends Error {
  override readonly name = 'SignatureRefused';
}

const LABEL = 'sig1';
const ALGORITHM = 'ed25519';
const REQUEST_COMPONENTS = [
  '@method',
  '@path',
  '@query',
  'content-digest',
  'wayfarer-customer',
  'wayfarer-agent',
] as const;

/** Every field that a signature covers or travels in. */
const FIELDS = [
  'content-digest',
  'etag',
  'signature',
  'signature-input',
  'wayfarer-agent',
  'wayfarer-customer',
  'wayfarer-nonce',
] as const;

/** Parameters that the verifier of a request checks further: freshness, replay, whose key it is. */
export interface RequestSignature {
  readonly keyId: string;
  readonly nonce: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

/**
 * Headers that sign a request (RFC 9421, protocol "Trust"): `content-digest`, `signature-input`, `signature`.
 * `created` in seconds; `nonce` unique per request, 16 random bytes in base64url are enough. Throws `SignatureRefused`
 * for a request that can't be signed: a field missing or not ASCII, a path or query that isn't one.
 */
export function signRequest(
  request: RequestParts,
  body: Uint8Array,
  pair: KeyPair,
  stamp: { readonly created: number; readonly nonce: string },
): Record<string, string> {
  const digest = contentDigest(body);
  const complete = { ...request, headers: { ...request.headers, 'content-digest': digest } };
  const { created, nonce } = stamp;
  return {
    'content-digest': digest,
    ...signed9421(requestDescriptor(complete), [...REQUEST_COMPONENTS], pair, { created, nonce }),
  };
}

/**
 * Verifies a request against the key that `keyOf` names for its key id. Freshness and replay are the caller's:
 * the returned parameters are authenticated. Throws `SignatureRefused`.
 */
export async function verifyRequest(
  request: RequestParts,
  body: Uint8Array,
  keyOf: (keyId: string) => string | undefined,
): Promise<RequestSignature> {
  verifyBody(request, body);
  return verifyRequestHead(request, keyOf);
}

/**
 * Verifies a request before its body has arrived: the signature covers `content-digest`, so that `verifyBody` completes
 * the proof, and nobody can make a platform hold the body of a stranger. Otherwise like `verifyRequest`.
 */
export async function verifyRequestHead(
  request: RequestParts,
  keyOf: (keyId: string) => string | undefined,
): Promise<RequestSignature> {
  const verified = await verified9421(requestDescriptor(request), [...REQUEST_COMPONENTS], keyOf, [
    'created',
    'nonce',
  ]);
  const { keyid, nonce, created } = verified.parameters;
  return { keyId: keyid ?? '', nonce: nonce ?? '', created: created ?? 0 };
}

/**
 * Headers that sign a reply, bound to its request: a signed one by its `signature`, the unsigned probe by its
 * `wayfarer-nonce`, so that no reply fits another question. A request with neither gets a reply that no agent of ours
 * accepts. Throws `SignatureRefused` where the request is so malformed that nothing can be bound to it.
 */
export function signReply(
  reply: ReplyParts,
  body: Uint8Array,
  pair: KeyPair,
  created: number,
): Record<string, string> {
  const digest = contentDigest(body);
  const complete = { ...reply, headers: { ...reply.headers, 'content-digest': digest } };
  return {
    'content-digest': digest,
    ...signed9421(replyDescriptor(complete), replyComponents(complete), pair, { created }),
  };
}

/** Verifies that a reply comes from the owner of `platformKey` and answers this very request. Throws `SignatureRefused`. */
export async function verifyReply(reply: ReplyParts, body: Uint8Array, platformKey: string): Promise<void> {
  verifyBody(reply, body);
  const { signature, 'wayfarer-nonce': nonce } = reply.request.headers;
  if (signature === undefined && nonce === undefined) {
    throw new SignatureRefused('the request has neither signature nor nonce: any reply would fit it');
  }
  const expected = keyId(platformKey);
  await verified9421(
    replyDescriptor(reply),
    replyComponents(reply),
    (candidate) => (candidate === expected ? platformKey : undefined),
    ['created'],
  );
}

/** Whether these are the bytes that the message's `content-digest` speaks of. Throws `SignatureRefused`. */
export function verifyBody(message: { readonly headers: Headers }, body: Uint8Array): void {
  if (!digestMatches(message.headers['content-digest'], body)) {
    throw new SignatureRefused('content-digest is missing or does not match the body');
  }
}

/** The components that a reply must cover: exactly the ones present. */
function replyComponents(reply: ReplyParts): SignatureComponent[] {
  const fromRequest = (name: string) => component(name, { req: true });
  const components: SignatureComponent[] = ['@status', 'content-digest'];
  if (reply.headers['etag'] !== undefined) components.push('etag');
  components.push(fromRequest('@method'), fromRequest('@path'), fromRequest('@query'));
  if (reply.request.headers['signature'] !== undefined) components.push(fromRequest('signature'));
  else if (reply.request.headers['wayfarer-nonce'] !== undefined)
    components.push(fromRequest('wayfarer-nonce'));
  return components;
}

function signed9421(
  message: RequestDescriptor | ResponseDescriptor,
  components: SignatureComponent[],
  pair: KeyPair,
  stamp: { readonly created: number; readonly nonce?: string },
): { 'signature-input': string; signature: string } {
  try {
    const fields = createSignatureSync(message, {
      label: LABEL,
      components,
      parameters: { ...stamp, keyid: pair.keyId, alg: ALGORITHM, tag: SIGNATURE_TAG },
      signer: { algorithm: ALGORITHM, sign: (data) => signBytes(pair, data) },
    });
    return { 'signature-input': fields.signatureInput, signature: fields.signature };
  } catch (error) {
    throw refusal(error);
  }
}

async function verified9421(
  message: RequestDescriptor | ResponseDescriptor,
  components: SignatureComponent[],
  keyOf: (keyId: string) => string | undefined,
  parameters: readonly string[],
): Promise<VerifiedSignature> {
  const expected = components.map(componentIdentity).join(' ');
  try {
    return await verifySignature(message, {
      label: LABEL,
      policy: {
        algorithms: [ALGORITHM],
        requiredComponents: components,
        requiredParameters: ['keyid', 'alg', 'tag', ...parameters],
        // Laptops wake with wrong clocks: freshness is the platform's to judge, and it answers with its own time.
        clockSkew: Number.MAX_SAFE_INTEGER,
        validate: (signature) =>
          signature.parameters.tag === SIGNATURE_TAG &&
          signature.components.map(componentIdentity).join(' ') === expected,
      },
      resolveVerifier: (candidate): Verifier => verifierOf(keyOf(candidate.parameters.keyid ?? '')),
    });
  } catch (error) {
    throw refusal(error);
  }
}

/** The library wraps what a resolver throws; the reason inside is the one that helps. */
function refusal(error: unknown): SignatureRefused {
  const { cause, message } = error as Error;
  return cause instanceof SignatureRefused ? cause : new SignatureRefused(message, { cause: error });
}

function verifierOf(publicKey: string | undefined): Verifier {
  if (publicKey === undefined) throw new SignatureRefused('signed by an unknown key');
  return { algorithm: ALGORITHM, verify: (data, signature) => verifyBytes(publicKey, data, signature) };
}

/**
 * The authority is not covered, so any stands in: a reverse proxy may change it, the path it may not. Path and query
 * are checked, or parts of the one could pass for the other, and an absolute target for a path.
 */
function requestDescriptor(request: RequestParts): RequestDescriptor {
  if (!/^\/[^?#]*$/.test(request.path)) throw new SignatureRefused('not an absolute path');
  if (!/^(\?[^#]*)?$/.test(request.query)) throw new SignatureRefused('not a query');
  return {
    kind: 'request',
    method: request.method,
    targetUri: `https://authority.invalid${request.path}${request.query}`,
    fields: fieldsOf(request.headers),
  };
}

function replyDescriptor(reply: ReplyParts): ResponseDescriptor {
  return {
    kind: 'response',
    status: reply.status,
    fields: fieldsOf(reply.headers),
    request: requestDescriptor(reply.request),
  };
}

function fieldsOf(headers: Headers): FieldOccurrence[] {
  return FIELDS.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [{ name, value }];
  });
}
