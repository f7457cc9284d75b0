import { z } from 'zod';
import {
  AcksReply,
  CommitReply,
  DocumentReply,
  ProvisionReply,
  StatusReply,
  SyncCheckReply,
  UploadState,
  type AcksRequest,
  type OpenUploadRequest,
  type ProvisionRequest,
  type StatusRequest,
  type SyncCheckRequest,
} from '../../shared/wire.ts';
import type { ManifestType } from '../../shared/modules.ts';
import type { Caller, Exchange, PlatformClient } from './client.ts';
import type { Result } from './failure.ts';

/** The platform's endpoints as calls (protocol, "Endpoints"). Each answers a value or the reason why there is none. */
export class PlatformApi {
  readonly #client: PlatformClient;
  readonly #caller: () => Caller;

  constructor(client: PlatformClient, caller: () => Caller) {
    this.#client = client;
    this.#caller = caller;
  }

  /** Registers this host. The request is signed by the key that it carries, under the proposed id. */
  provision(request: ProvisionRequest): Promise<Result<ProvisionReply>> {
    return this.#call(
      {
        method: 'POST',
        path: 'v1/provision',
        body: request,
        reply: ProvisionReply,
        keyFromReply: (reply) => reply.platformPublicKey,
      },
      { agentId: request.proposedAgentId },
    );
  }

  /** `request` is called for each attempt with the name of its route: the counter in it grows with every one. */
  heartbeat(request: (route: string) => StatusRequest): Promise<Result<StatusReply>> {
    return this.#call({ method: 'POST', path: this.#agent('status'), bodyFor: request, reply: StatusReply });
  }

  profile(): Promise<Result<DocumentReply>> {
    return this.#call({ method: 'GET', path: this.#agent('config'), reply: DocumentReply });
  }

  manifest(type: ManifestType): Promise<Result<DocumentReply>> {
    return this.#call({ method: 'GET', path: this.#agent(`manifests/${type}`), reply: DocumentReply });
  }

  openUpload(request: OpenUploadRequest, idempotencyKey: string): Promise<Result<UploadState>> {
    return this.#call({
      method: 'POST',
      path: this.#agent('uploads'),
      body: request,
      headers: { 'idempotency-key': idempotencyKey },
      reply: UploadState,
    });
  }

  uploadState(uploadId: string): Promise<Result<UploadState>> {
    return this.#call({ method: 'GET', path: this.#agent(`uploads/${uploadId}`), reply: UploadState });
  }

  /** Sends one chunk, no faster than `maxKbps` KB per second (0: no limit). */
  putChunk(uploadId: string, n: number, bytes: Uint8Array, maxKbps = 0): Promise<Result<unknown>> {
    return this.#call({
      method: 'PUT',
      path: this.#agent(`uploads/${uploadId}/chunks/${String(n)}`),
      body: bytes,
      headers: { 'content-type': 'application/octet-stream' },
      maxKbps,
      reply: z.unknown(),
    });
  }

  commit(uploadId: string): Promise<Result<CommitReply>> {
    return this.#call({
      method: 'POST',
      path: this.#agent(`uploads/${uploadId}/commit`),
      body: {},
      headers: { 'idempotency-key': `commit-${uploadId}` },
      reply: CommitReply,
    });
  }

  syncCheck(request: SyncCheckRequest): Promise<Result<SyncCheckReply>> {
    return this.#call({
      method: 'POST',
      path: this.#agent('sync-check'),
      body: request,
      reply: SyncCheckReply,
    });
  }

  /** Delivers records, no faster than `maxKbps` KB per second (0: no limit). */
  acknowledge(request: AcksRequest, idempotencyKey: string, maxKbps = 0): Promise<Result<unknown>> {
    return this.#call({
      method: 'POST',
      path: this.#agent('acks'),
      body: request,
      headers: { 'idempotency-key': idempotencyKey },
      maxKbps,
      reply: AcksReply,
    });
  }

  /** Tells the platform that the agent is removed from this host; its record stays there (R235). */
  goodbye(): Promise<Result<unknown>> {
    return this.#call({ method: 'POST', path: this.#agent('goodbye'), body: {}, reply: z.unknown() });
  }

  #agent(path: string): string {
    return `v1/agents/${this.#caller().agentId}/${path}`;
  }

  async #call<T>(exchange: Exchange<T>, override: Partial<Caller> = {}): Promise<Result<T>> {
    const answer = await this.#client.exchange({ ...this.#caller(), ...override }, exchange);
    return answer.ok ? { ok: true, value: answer.value.value } : answer;
  }
}
