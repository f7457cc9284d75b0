import { createHash, randomUUID } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { gzipSync } from 'node:zlib';
import type { ManifestType } from '../../src/shared/modules.ts';
import type { Item, Row } from '../../src/shared/rows.ts';
import { changeLine, headerLine } from '../../src/wire/delta-body.ts';
import { diff } from '../../src/wire/delta.ts';
import { EMPTY_ROOT, compareKeys, makeItem, rootOf } from '../../src/wire/item.ts';
import { generateKeyPair, type KeyPair } from '../../src/wire/keys.ts';
import { signRequest, verifyReply, type RequestParts } from '../../src/wire/message-signature.ts';

/** A signing client for tests: small, and strict about every reply's signature. */
export interface Target {
  readonly url: string;
  readonly caPem: string;
  readonly platformKey: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Parsed JSON; `undefined` for an empty body. */
  readonly body: unknown;
  readonly bytes: Buffer;
  /** `error.code` of the body, where there is one. */
  readonly code: string | undefined;
}

export interface CallOptions {
  readonly body?: Buffer;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: KeyPair;
  /** Seconds; the client's clock unless given. */
  readonly created?: number;
  readonly nonce?: string;
  /** Changes the request after it was signed. */
  readonly tamper?: (request: RequestParts) => RequestParts;
  readonly unsigned?: boolean;
}

export const FINGERPRINT = 'a'.repeat(64);

export function hostFacts(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    hostname: 'laptop-1',
    fqdn: 'laptop-1.example.org',
    netbios: 'LAPTOP-1',
    os: 'Debian GNU/Linux',
    osVersion: '12',
    arch: 'x64',
    macs: [],
    ips: [],
    fingerprint: FINGERPRINT,
    fingerprintSources: ['machine-id'],
    ...changes,
  };
}

/** The body of a heartbeat of an agent that holds nothing. */
export function statusBody(counter: number, changes: Readonly<Record<string, unknown>> = {}) {
  return {
    agentVersion: '0.1.0',
    counter,
    state: 'idle',
    configVersion: 0,
    manifestVersions: {},
    types: {},
    pendingDelta: false,
    blackout: false,
    suspended: false,
    route: 'direct',
    fingerprint: FINGERPRINT.slice(0, 8),
    drops: {},
    ...changes,
  };
}

/** Items in key order from rows by table and key. */
export function itemsOf(rows: readonly (readonly [table: string, key: string, row: Row])[]): Item[] {
  return rows.map(([table, key, row]) => makeItem(table, key, row)).sort((a, b) => compareKeys(a.key, b.key));
}

export class PlatformClient {
  readonly target: Target;
  readonly now: () => number;
  agentId: string = randomUUID();
  customerId: string;
  key: KeyPair = generateKeyPair();
  counter = 0;
  /** What this agent and the platform hold of each type. */
  readonly held = new Map<string, { seq: number; root: string; items: readonly Item[] }>();

  constructor(target: Target, customerId: string, now: () => number) {
    this.target = target;
    this.customerId = customerId;
    this.now = now;
  }

  /** Sends one request below the base and verifies the reply's signature. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const url = new URL(path, this.target.url);
    const body = options.body ?? Buffer.from(options.json === undefined ? '' : JSON.stringify(options.json));
    const headers: Record<string, string> = {
      'wayfarer-agent': this.agentId,
      'wayfarer-customer': this.customerId,
      ...options.headers,
    };
    if (body.length > 0) headers['content-type'] ??= 'application/json';
    let parts: RequestParts = { method, path: url.pathname, query: url.search, headers };
    if (options.unsigned !== true) {
      const stamp = {
        created: options.created ?? Math.floor(this.now() / 1000),
        nonce: options.nonce ?? randomUUID(),
      };
      const signature = signRequest(parts, body, options.key ?? this.key, stamp);
      parts = { ...parts, headers: { ...headers, ...signature } };
    }
    const sent = options.tamper?.(parts) ?? parts;
    const reply = await exchange(this.target, sent, body);
    await verifyReply(
      { status: reply.status, headers: reply.headers, request: sent },
      reply.bytes,
      this.target.platformKey,
    );
    return reply;
  }

  agentPath(path: string): string {
    return `v1/agents/${this.agentId}${path}`;
  }

  provision(
    activationId: string,
    changes: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Promise<Reply> {
    return this.call('POST', 'v1/provision', {
      json: {
        customerId: this.customerId,
        activationId,
        proposedAgentId: this.agentId,
        reason: 'first',
        publicKey: this.key.publicKey,
        host: hostFacts(),
        agentVersion: '0.1.0',
        capabilities: [],
        ...changes,
      },
      ...options,
    });
  }

  heartbeat(changes: Readonly<Record<string, unknown>> = {}, options: CallOptions = {}): Promise<Reply> {
    this.counter += 1;
    return this.call('POST', this.agentPath('/status'), {
      json: statusBody(this.counter, changes),
      ...options,
    });
  }

  /** Opens an upload of a body that is complete in `encoded`. */
  open(request: Readonly<Record<string, unknown>>, idempotencyKey: string = randomUUID()): Promise<Reply> {
    return this.call('POST', this.agentPath('/uploads'), {
      json: request,
      headers: { 'idempotency-key': idempotencyKey },
    });
  }

  chunk(uploadId: string, n: number, bytes: Buffer): Promise<Reply> {
    return this.call('PUT', this.agentPath(`/uploads/${uploadId}/chunks/${String(n)}`), { body: bytes });
  }

  commit(uploadId: string, idempotencyKey: string = randomUUID()): Promise<Reply> {
    return this.call('POST', this.agentPath(`/uploads/${uploadId}/commit`), {
      headers: { 'idempotency-key': idempotencyKey },
    });
  }

  /** Opens, sends every chunk and commits; the first reply that isn't a success ends it. */
  async send(
    request: Readonly<Record<string, unknown>>,
    encoded: Buffer,
    chunkBytes = 65_536,
  ): Promise<Reply> {
    const opened = await this.open({ ...describe(encoded, chunkBytes), ...request });
    if (opened.status !== 201) return opened;
    const { uploadId } = opened.body as { uploadId: string };
    for (let n = 0; n * chunkBytes < encoded.length; n++) {
      const put = await this.chunk(uploadId, n, encoded.subarray(n * chunkBytes, (n + 1) * chunkBytes));
      if (put.status !== 200) return put;
    }
    return this.commit(uploadId);
  }

  /** The opening and the raw body that bring the platform from what it holds of a type to these items. */
  changesTo(type: ManifestType, items: readonly Item[], kind: 'snapshot' | 'delta') {
    const base = this.held.get(type) ?? { seq: 0, root: EMPTY_ROOT, items: [] };
    const newSeq = base.seq + 1;
    const newRoot = rootOf(items.map((item) => item.hash));
    const header = { type, baseSeq: base.seq, baseRoot: base.root, newSeq, newRoot };
    const lines = [headerLine({ format: 'wayfarer-delta/1', ...header })];
    for (const change of diff(kind === 'delta' ? base.items : [], items)) lines.push(changeLine(change));
    const raw = Buffer.from(lines.join(''));
    return { request: { kind, ...header, encoding: 'gzip', rawBytes: raw.length }, raw };
  }

  /** Uploads a snapshot or delta and remembers it when the platform took it. */
  async upload(
    type: ManifestType,
    items: readonly Item[],
    kind: 'snapshot' | 'delta' = this.held.has(type) ? 'delta' : 'snapshot',
  ): Promise<Reply> {
    const { request, raw } = this.changesTo(type, items, kind);
    const reply = await this.send(request, gzipSync(raw));
    if (reply.status === 200) {
      this.held.set(type, { seq: request.newSeq, root: request.newRoot, items });
    }
    return reply;
  }
}

/** What an opening says of an encoded body. */
export function describe(encoded: Buffer, chunkBytes = 65_536) {
  return {
    chunkBytes,
    chunkCount: Math.ceil(encoded.length / chunkBytes),
    encodedBytes: encoded.length,
    digest: createHash('sha256').update(encoded).digest('hex'),
  };
}

function exchange(target: Target, parts: RequestParts, body: Buffer): Promise<Reply> {
  const { hostname, port } = new URL(target.url);
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        hostname,
        port,
        ca: target.caPem,
        method: parts.method,
        path: `${parts.path}${parts.query}`,
        headers: { ...parts.headers, 'content-length': String(body.length) },
        agent: false,
      },
      (incoming) => {
        const pieces: Buffer[] = [];
        incoming.on('data', (piece: Buffer) => pieces.push(piece));
        incoming.on('error', reject);
        incoming.on('end', () => {
          resolve(replyOf(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(pieces)));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function replyOf(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  bytes: Buffer,
): Reply {
  const body = bytes.length === 0 ? undefined : (JSON.parse(bytes.toString('utf8')) as unknown);
  const single = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
  const error = (body as { error?: { code?: string } } | undefined)?.error;
  return { status, headers: single, body, bytes, code: error?.code };
}
