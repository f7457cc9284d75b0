import { z } from 'zod';
import { Instant, PublicKey, Sha256Hex, Uuid } from './ids.ts';
import { MANIFEST_TYPES } from './modules.ts';

/** Version of the agent and of everything built with it. */
export const AGENT_VERSION = '0.1.0';

/** RFC 9421 `tag` of every signature of this protocol. */
export const SIGNATURE_TAG = 'wayfarer-v1';

/** Largest difference, in seconds, between a request's `created` and the platform's clock. */
export const MAX_CLOCK_SKEW_SEC = 300;

/** Bounds on message bodies in bytes, as received (encoded). */
export const BODY_LIMITS = {
  status: 16 * 1024,
  provision: 64 * 1024,
  acks: 512 * 1024,
  other: 64 * 1024,
  reply: 8 * 1024 * 1024,
} as const;

/** Bounds on an upload: what a platform accepts and an agent may open. */
export const UPLOAD_LIMITS = {
  chunkBytesMin: 64 * 1024,
  chunkBytesMax: 10_240 * 1024,
  encodedBytes: 512 * 1024 * 1024,
  rawBytes: 2 * 1024 * 1024 * 1024,
  chunks: 8192,
} as const;

const Type = z.enum(MANIFEST_TYPES);
const Seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const Text = (max: number) => z.string().max(max);

type ManifestType = (typeof MANIFEST_TYPES)[number];

/** A map from manifest type to something; a type that this build does not know is dropped unread, not refused. */
function byType<T extends z.ZodType>(value: T) {
  const known = Object.fromEntries(MANIFEST_TYPES.map((type) => [type, value.exactOptional()]));
  return z.object(known as Record<ManifestType, z.ZodExactOptional<T>>);
}

/** What tells one host from another, never where it is: sent at provisioning. */
export const HostFacts = z.object({
  hostname: Text(255),
  fqdn: Text(255),
  netbios: Text(64),
  os: Text(64),
  osVersion: Text(128),
  arch: Text(32),
  macs: z.array(Text(32)).max(64),
  ips: z.array(Text(64)).max(128),
  /** SHA-256 over machine id and system UUID or serial; never IP, MAC or host name. */
  fingerprint: Sha256Hex,
  /** Which sources the fingerprint was made of; what is missing on this host is simply not named. */
  fingerprintSources: z.array(Text(32)).max(8),
});
export type HostFacts = z.infer<typeof HostFacts>;

export const ProvisionRequest = z.object({
  customerId: Uuid,
  activationId: Uuid,
  proposedAgentId: Uuid,
  previousAgentId: Uuid.optional(),
  reason: z.enum(['first', 'reprovision', 'reinstall']),
  publicKey: PublicKey,
  host: HostFacts,
  agentVersion: Text(32),
  capabilities: z.array(Text(64)).max(64),
});
export type ProvisionRequest = z.infer<typeof ProvisionRequest>;

export const ProvisionReply = z.object({
  agentId: Uuid,
  platformPublicKey: PublicKey,
  activationTitle: Text(200).default(''),
  tags: z.array(Text(200)).max(256),
  modules: z.array(Text(32)).max(64),
  configVersion: Seq,
  statusIntervalSec: z.number().int().positive(),
  serverTime: Instant,
});
export type ProvisionReply = z.infer<typeof ProvisionReply>;

/** Heartbeat. `counter` grows by one with every attempt of one key, so that two agents that share a key show up. */
export const StatusRequest = z.object({
  agentVersion: Text(32),
  counter: Seq,
  state: Text(32),
  lastActivity: z.object({ name: Text(64), at: Instant }).optional(),
  configVersion: Seq,
  manifestVersions: byType(Seq),
  types: byType(z.object({ seq: Seq, root: z.string().regex(/^[0-9a-f]{8}$/) })),
  pendingDelta: z.boolean(),
  blackout: z.boolean(),
  suspended: z.boolean(),
  route: Text(32),
  fingerprint: z.string().regex(/^[0-9a-f]{8}$/),
  drops: z.record(Text(32), Seq).default({}),
  /** What scanners read from this host; present while the profile exposes it (R270). */
  correlationId: Uuid.optional(),
});
export type StatusRequest = z.input<typeof StatusRequest>;

/** A command as it arrives. `type` stays open: an unknown one is acknowledged `UNSUPPORTED`. */
export const Command = z.object({
  id: Uuid,
  type: Text(32),
  args: z.record(Text(64), z.unknown()).default({}),
});
export type Command = z.infer<typeof Command>;

export const StatusReply = z.object({
  serverTime: Instant,
  configVersion: Seq,
  manifestVersions: byType(Seq),
  modules: z.array(Text(32)).max(64),
  processed: byType(z.object({ seq: Seq, at: Instant })).default({}),
  commands: z.array(Command).max(100).default([]),
});
export type StatusReply = z.infer<typeof StatusReply>;

/** Reply of `config` and `manifests/{type}`: a compact JWS; the `ETag` header is its version in quotes. */
export const DocumentReply = z.object({ document: z.string().max(BODY_LIMITS.reply) });
export type DocumentReply = z.infer<typeof DocumentReply>;

export const ENCODINGS = ['identity', 'gzip', 'zstd'] as const;

export const OpenUploadRequest = z
  .object({
    kind: z.enum(['snapshot', 'delta', 'fim', 'edr', 'logs']),
    type: Type.optional(),
    baseSeq: Seq.optional(),
    baseRoot: Sha256Hex.optional(),
    newSeq: Seq.optional(),
    newRoot: Sha256Hex.optional(),
    encoding: z.enum(ENCODINGS),
    chunkBytes: z.number().int().min(UPLOAD_LIMITS.chunkBytesMin).max(UPLOAD_LIMITS.chunkBytesMax),
    chunkCount: z.number().int().min(1).max(UPLOAD_LIMITS.chunks),
    encodedBytes: z.number().int().min(1).max(UPLOAD_LIMITS.encodedBytes),
    rawBytes: z.number().int().min(0).max(UPLOAD_LIMITS.rawBytes),
    /** SHA-256 of the encoded body. */
    digest: Sha256Hex,
  })
  .refine((upload) => upload.chunkCount === Math.ceil(upload.encodedBytes / upload.chunkBytes), {
    message: 'chunkCount does not match encodedBytes and chunkBytes',
  })
  .refine(
    (upload) =>
      (upload.kind !== 'snapshot' && upload.kind !== 'delta') ||
      (upload.type !== undefined && (upload.newSeq ?? 0) >= 1 && upload.newRoot !== undefined),
    { message: 'snapshot and delta need type, newSeq and newRoot' },
  )
  .refine(
    (upload) => upload.kind !== 'delta' || (upload.baseSeq !== undefined && upload.baseRoot !== undefined),
    {
      message: 'a delta needs baseSeq and baseRoot',
    },
  );
export type OpenUploadRequest = z.infer<typeof OpenUploadRequest>;

/** State of an upload: answer to opening and to asking after it. `held` lists the chunk numbers that arrived, ascending. */
export const UploadState = z.object({
  uploadId: Uuid,
  state: z.enum(['open', 'committed']),
  held: z.array(z.number().int().min(0)).max(UPLOAD_LIMITS.chunks),
  result: z.object({ seq: Seq, root: Sha256Hex }).optional(),
});
export type UploadState = z.infer<typeof UploadState>;

export const CommitReply = z.object({ seq: Seq, root: Sha256Hex });
export type CommitReply = z.infer<typeof CommitReply>;

export const SyncCheckRequest = z.object({ types: byType(z.object({ seq: Seq, root: Sha256Hex })) });
export type SyncCheckRequest = z.input<typeof SyncCheckRequest>;

/** What the platform holds per type, `null` where it holds nothing, and the types it dropped because they differ. */
export const SyncCheckReply = z.object({
  types: byType(z.object({ seq: Seq, root: Sha256Hex }).nullable()),
  mismatched: z.array(Text(64)).max(64),
});
export type SyncCheckReply = z.infer<typeof SyncCheckReply>;

/** Life-cycle activities (R118–R123). */
export const ACTIVITIES = [
  'Provisioned',
  'Configuration Downloaded',
  'Manifest Downloaded',
  'Agent Downloaded',
  'Inventory Scan Complete',
  'Scan Complete',
] as const;
export type Activity = (typeof ACTIVITIES)[number];

export const COMMAND_RESULTS = ['DONE', 'FAILED', 'REFUSED', 'UNSUPPORTED'] as const;
export type CommandResult = (typeof COMMAND_RESULTS)[number];

const RecordBase = { id: Uuid, at: Instant };

/** One record of an acknowledgement message; `id` makes it count once however often it is sent. */
export const AckRecord = z.discriminatedUnion('kind', [
  z.object({
    ...RecordBase,
    kind: z.literal('command'),
    commandId: Uuid,
    type: Text(32),
    result: z.enum(COMMAND_RESULTS),
    detail: Text(500).optional(),
  }),
  z.object({ ...RecordBase, kind: z.literal('activity'), activity: Text(64), detail: Text(500).optional() }),
  z.object({
    ...RecordBase,
    kind: z.literal('gap'),
    stream: Text(32),
    count: z.number().int().positive(),
    bytes: z.number().int().min(0),
    firstAt: Instant,
    lastAt: Instant,
  }),
]);
export type AckRecord = z.infer<typeof AckRecord>;

export const AcksRequest = z.object({ records: z.array(AckRecord).min(1).max(500) });
export type AcksRequest = z.infer<typeof AcksRequest>;
export const AcksReply = z.object({ accepted: z.number().int().min(0) });

/** Error codes of the platform (protocol, "Errors"). */
export const ERROR_CODES = [
  'BAD_REQUEST',
  'BAD_SIGNATURE',
  'CLOCK_SKEW',
  'KEY_EXPIRED',
  'KEY_EXHAUSTED',
  'KEY_UNKNOWN',
  'CUSTOMER_UNKNOWN',
  'MODULE_NOT_ACTIVE',
  'NO_MANIFEST',
  'AGENT_UNKNOWN',
  'UPLOAD_UNKNOWN',
  'AGENT_ID_IN_USE',
  'BASE_MISMATCH',
  'INTEGRITY_MISMATCH',
  'UPLOAD_INCOMPLETE',
  'AGENT_UNINSTALLED',
  'NOT_FOUND',
  'TOO_LARGE',
  'BUSY',
  'INTERNAL',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Body of every reply with a status ≥ 400. `code` stays open: a newer platform may know more. */
export const ErrorReply = z.object({
  error: z.object({ code: Text(64), message: Text(1_000) }),
  serverTime: Instant,
});
export type ErrorReply = z.infer<typeof ErrorReply>;
