import { createHash, randomUUID } from 'node:crypto';
import { audienceOfAgent, audienceOfCustomer } from '../../../shared/documents.ts';
import type { Task } from '../../../shared/manifest.ts';
import type { ManifestType } from '../../../shared/modules.ts';
import { typesOfModules } from '../../../shared/modules.ts';
import { ProfileSchema, type Profile } from '../../../shared/profile.ts';
import type { Item } from '../../../shared/rows.ts';
import {
  AckRecord,
  OpenUploadRequest,
  type AcksRequest,
  type Command,
  type CommitReply,
  type DocumentReply,
  type ErrorCode,
  type ProvisionReply,
  type ProvisionRequest,
  type StatusReply,
  type StatusRequest,
  type SyncCheckReply,
  type SyncCheckRequest,
  type UploadState,
} from '../../../shared/wire.ts';
import { applyChanges, rootOfMap } from '../../../wire/delta.ts';
import { EMPTY_ROOT } from '../../../wire/item.ts';
import { generateKeyPair } from '../../../wire/keys.ts';
import { signDocument } from '../../../wire/signed-document.ts';
import { toInstant } from '../../clock.ts';
import type { Failure, Result } from '../../uplink/failure.ts';
import type { PlatformPort } from '../context.ts';
import { changesOf } from './changes-of.ts';
import { EventShelf } from './event-shelf.ts';

export type Call = Exclude<keyof PlatformPort, never>;

/** What a test has the platform do instead of its best: fail, lose the answer after doing it, or change the answer. */
export type Twist =
  | { readonly fail: Failure }
  | { readonly lose: true }
  | { readonly wait: Promise<void> }
  | { readonly change: (value: never) => unknown };

interface Snapshot {
  readonly seq: number;
  readonly items: ReadonlyMap<string, Item>;
}

interface Upload {
  readonly agent: string;
  readonly terms: OpenUploadRequest;
  readonly chunks: Map<number, Buffer>;
  result?: CommitReply;
}

export interface FakeAgent {
  readonly request: ProvisionRequest;
  readonly snapshots: Map<ManifestType, Snapshot>;
  readonly commands: Command[];
  counter: number;
}

export const lost: Failure = { kind: 'transport', code: 'ECONNRESET', reason: 'socket hang up' };

export function refusal(status: number, code: ErrorCode | '', retryAfterSec?: number): Failure {
  const message = `${code} in a test`;
  return {
    kind: 'api',
    status,
    code,
    message,
    verified: true,
    ...(retryAfterSec !== undefined && { retryAfterSec }),
  };
}

class Refused extends Error {
  readonly failure: Failure;
  constructor(status: number, code: ErrorCode) {
    super(code);
    this.failure = refusal(status, code);
  }
}

/**
 * A platform double without network, signatures and disk: it keeps agents, documents, uploads and snapshots as the
 * protocol says and applies deltas with `src/wire`. Its twists come in the order a test gave them.
 */
export class FakePlatform {
  readonly key = generateKeyPair();
  readonly agents = new Map<string, FakeAgent>();
  readonly uploads = new Map<string, Upload>();
  readonly records = new Map<string, AckRecord>();
  readonly calls: { readonly call: Call; readonly at: number; readonly body: unknown }[] = [];
  customerId = randomUUID();
  modules: readonly string[] = ['AI'];
  profile: Profile = ProfileSchema.parse({ id: 'p', name: 'Test' });
  profileVersion = 1;
  manifestVersions: Partial<Record<ManifestType, number>> = {};
  tasks: Task[] = [{ id: 'deb', table: 'deb', params: {} }];
  processed: StatusReply['processed'] = {};
  /** How many uploads were committed per type and sequence: more than one each is a doubling. */
  readonly commits: string[] = [];
  readonly shelf = new EventShelf();
  readonly #twists = new Map<Call, Twist[]>();
  readonly #opened = new Map<string, string>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The next calls of this kind go another way, one twist each. */
  twist(call: Call, ...twists: Twist[]): void {
    this.#twists.set(call, [...(this.#twists.get(call) ?? []), ...twists]);
  }

  /** Ends what `twist` began. */
  straighten(): void {
    this.#twists.clear();
  }

  /** The calls of one kind so far. */
  of(call: Call): { readonly at: number; readonly body: unknown }[] {
    return this.calls.filter((entry) => entry.call === call);
  }

  /** The one agent that a test has. */
  get agent(): FakeAgent {
    const last = [...this.agents.values()].at(-1);
    if (last === undefined) throw new Error('no agent is registered');
    return last;
  }

  itemsOf(type: ManifestType, agent = this.agent): Item[] {
    return [...(agent.snapshots.get(type)?.items.values() ?? [])];
  }

  command(type: string, args: Record<string, unknown> = {}): Command {
    const command = { id: randomUUID(), type, args };
    this.agent.commands.push(command);
    return command;
  }

  /** A way to it for one run of an agent under the id it has then; `alive` false cuts it, as the death of a process does. */
  port(agentId: () => string, alive: () => boolean): PlatformPort {
    const call =
      <A extends unknown[], T>(name: Call, work: (id: string, ...args: A) => T | Promise<T>) =>
      (...args: A): Promise<Result<T>> =>
        this.#answer(name, args[0], alive, () => work(agentId(), ...args));
    const heartbeat = call('heartbeat', (id, request: StatusRequest) => this.#heartbeat(id, request));
    return {
      provision: call('provision', (_, request: ProvisionRequest) => this.#provision(request)),
      heartbeat: (request) => heartbeat(request('direct')),
      profile: call('profile', (id) => this.#profile(id)),
      manifest: call('manifest', (id, type: ManifestType) => this.#manifest(id, type)),
      openUpload: call('openUpload', (id, request: OpenUploadRequest, key: string) =>
        this.#open(id, request, key),
      ),
      uploadState: call('uploadState', (id, uploadId: string) => this.#state(id, uploadId)),
      putChunk: call('putChunk', (id, uploadId: string, n: number, bytes: Uint8Array) => {
        this.#upload(id, uploadId).chunks.set(n, Buffer.from(bytes));
      }),
      commit: call('commit', (id, uploadId: string) => this.#commit(id, uploadId)),
      syncCheck: call('syncCheck', (id, request: SyncCheckRequest) => this.#syncCheck(id, request)),
      acknowledge: call('acknowledge', (id, request: AcksRequest) => this.#acknowledge(id, request)),
    };
  }

  async #answer<T>(
    call: Call,
    body: unknown,
    alive: () => boolean,
    work: () => T | Promise<T>,
  ): Promise<Result<T>> {
    this.calls.push({ call, at: this.#now(), body });
    const twist = this.#twists.get(call)?.shift();
    if (!alive()) return { ok: false, failure: lost };
    if (twist !== undefined && 'fail' in twist) return { ok: false, failure: twist.fail };
    try {
      if (twist !== undefined && 'wait' in twist) await twist.wait;
      const value = await work();
      if (twist !== undefined && 'lose' in twist) return { ok: false, failure: lost };
      if (twist !== undefined && 'change' in twist)
        return { ok: true, value: twist.change(value as never) as T };
      return { ok: true, value };
    } catch (error) {
      if (error instanceof Refused) return { ok: false, failure: error.failure };
      throw error;
    }
  }

  #known(id: string): FakeAgent {
    const agent = this.agents.get(id);
    if (agent === undefined) throw new Refused(404, 'AGENT_UNKNOWN');
    return agent;
  }

  #provision(request: ProvisionRequest): ProvisionReply {
    const known = this.agents.get(request.proposedAgentId);
    if (known !== undefined && known.request.publicKey !== request.publicKey) {
      throw new Refused(409, 'AGENT_ID_IN_USE');
    }
    const agent = known ?? { request, snapshots: new Map(), commands: [], counter: 0 };
    this.agents.set(request.proposedAgentId, agent);
    return {
      agentId: request.proposedAgentId,
      platformPublicKey: this.key.publicKey,
      activationTitle: 'Laptops',
      tags: [],
      modules: [...this.modules],
      configVersion: this.profileVersion,
      statusIntervalSec: this.profile.statusIntervalSec,
      serverTime: toInstant(this.#now()),
    };
  }

  #heartbeat(id: string, request: StatusRequest): StatusReply {
    const agent = this.#known(id);
    if (request.counter <= agent.counter) throw new Error(`counter ${request.counter} ran backwards`);
    agent.counter = request.counter;
    return {
      serverTime: toInstant(this.#now()),
      configVersion: this.profileVersion,
      manifestVersions: Object.fromEntries(
        typesOfModules(this.modules).map((type) => [type, this.manifestVersions[type] ?? 1]),
      ),
      modules: [...this.modules],
      processed: this.processed,
      commands: this.#unfinished(agent),
    };
  }

  /** Commands that were not acknowledged. Most heartbeats find none, and years of records need not be looked through. */
  #unfinished({ commands }: FakeAgent): Command[] {
    if (commands.length === 0) return [];
    const done = new Set([...this.records.values()].map((one) => 'commandId' in one && one.commandId));
    return commands.filter((command) => !done.has(command.id));
  }

  async #profile(id: string): Promise<DocumentReply> {
    this.#known(id);
    const audience = audienceOfAgent(id);
    return { document: await this.sign('profile', audience, this.profileVersion, this.profile) };
  }

  async #manifest(id: string, type: ManifestType): Promise<DocumentReply> {
    this.#known(id);
    const content = { type, tasks: this.tasks };
    const version = this.manifestVersions[type] ?? 1;
    return { document: await this.sign('manifest', audienceOfCustomer(this.customerId), version, content) };
  }

  /** A document as this platform signs it, or with `key` as another one would. */
  sign(kind: string, audience: string, version: number, content: unknown, key = this.key): Promise<string> {
    const issuedAt = toInstant(this.#now());
    const document = { kind, customer: this.customerId, audience, version, issuedAt, content };
    return signDocument(document, key);
  }

  #open(id: string, request: OpenUploadRequest, key: string): UploadState {
    const agent = this.#known(id);
    const terms = OpenUploadRequest.parse(request);
    const repeated = this.#opened.get(key);
    if (repeated !== undefined) return this.#state(id, repeated);
    if (terms.kind === 'delta') requireBase(agent, terms);
    const uploadId = randomUUID();
    this.#opened.set(key, uploadId);
    this.uploads.set(uploadId, { agent: id, terms, chunks: new Map() });
    return this.#state(id, uploadId);
  }

  #upload(id: string, uploadId: string): Upload {
    this.#known(id);
    const upload = this.uploads.get(uploadId);
    if (upload?.agent !== id) throw new Refused(404, 'UPLOAD_UNKNOWN');
    return upload;
  }

  #state(id: string, uploadId: string): UploadState {
    const { chunks, result } = this.#upload(id, uploadId);
    const held = [...chunks.keys()].sort((a, b) => a - b);
    return { uploadId, state: result === undefined ? 'open' : 'committed', held, ...(result && { result }) };
  }

  #commit(id: string, uploadId: string): CommitReply {
    const upload = this.#upload(id, uploadId);
    if (upload.result !== undefined) return upload.result;
    const { terms, chunks } = upload;
    const type = terms.type ?? 'Inventory';
    if (chunks.size < terms.chunkCount) throw new Refused(409, 'UPLOAD_INCOMPLETE');
    const body = Buffer.concat([...chunks].sort(([a], [b]) => a - b).map(([, bytes]) => bytes));
    if (createHash('sha256').update(body).digest('hex') !== terms.digest)
      throw new Refused(400, 'BAD_REQUEST');
    if (!this.shelf.take(id, terms.kind, body)) throw new Refused(400, 'BAD_REQUEST');
    if (terms.type === undefined) return (upload.result = { seq: 0, root: terms.digest });
    const agent = this.#known(id);
    if (terms.kind === 'delta') requireBase(agent, terms);
    const base =
      terms.kind === 'delta' ? (agent.snapshots.get(type)?.items ?? new Map()) : new Map<string, Item>();
    const items = applyChanges(base, changesOf(body));
    const result = { seq: terms.newSeq ?? 0, root: rootOfMap(items) };
    if (result.root !== terms.newRoot) {
      agent.snapshots.delete(type);
      throw new Refused(409, 'INTEGRITY_MISMATCH');
    }
    agent.snapshots.set(type, { seq: result.seq, items });
    this.commits.push(`${id} ${type} ${terms.kind} ${result.seq}`);
    upload.result = result;
    return result;
  }

  #syncCheck(id: string, request: SyncCheckRequest): SyncCheckReply {
    const agent = this.#known(id);
    const types: SyncCheckReply['types'] = {};
    const mismatched: string[] = [];
    for (const [name, given] of Object.entries(request.types)) {
      const type = name as ManifestType;
      const held = agent.snapshots.get(type);
      types[type] = held === undefined ? null : { seq: held.seq, root: rootOfMap(held.items) };
      if (types[type]?.root === given.root) continue;
      mismatched.push(type);
      agent.snapshots.delete(type);
    }
    return { types, mismatched };
  }

  #acknowledge(id: string, request: AcksRequest): { accepted: number } {
    this.#known(id);
    for (const record of request.records) this.records.set(record.id, AckRecord.parse(record));
    return { accepted: request.records.length };
  }
}

function requireBase(agent: FakeAgent, terms: OpenUploadRequest): void {
  const held = agent.snapshots.get(terms.type ?? 'Inventory');
  const root = held === undefined ? EMPTY_ROOT : rootOfMap(held.items);
  if (held?.seq === terms.baseSeq && root === terms.baseRoot) return;
  if (terms.type !== undefined) agent.snapshots.delete(terms.type);
  throw new Refused(409, 'BASE_MISMATCH');
}
