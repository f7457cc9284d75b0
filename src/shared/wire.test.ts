import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FromCollector, ToCollector } from './collector.ts';
import { AgentEvent, ControlError, CycleReply, CycleRequest, WatchLine } from './control.ts';
import { ManifestDocument, ProfileDocument } from './documents.ts';
import { RowSchema } from './rows.ts';
import * as wire from './wire.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const NOW = '2026-11-20T23:19:56.123Z';
const HASH = 'ab'.repeat(32);

const upload = {
  kind: 'delta',
  type: 'Vulnerability',
  baseSeq: 1,
  baseRoot: HASH,
  newSeq: 2,
  newRoot: HASH,
  encoding: 'gzip',
  chunkBytes: 1_048_576,
  chunkCount: 4,
  encodedBytes: 4_194_304,
  rawBytes: 9_000_000,
  digest: HASH,
};
const status = {
  agentVersion: '0.1.0',
  counter: 7,
  state: 'idle',
  configVersion: 1,
  manifestVersions: { Inventory: 1 },
  types: { Inventory: { seq: 1, root: 'abababab' } },
  pendingDelta: false,
  blackout: false,
  suspended: false,
  route: 'direct',
  fingerprint: '01234567',
};
const reply = { serverTime: NOW, configVersion: 1, manifestVersions: {}, modules: ['AI'] };

/** A valid example of every message, to fuzz around: pure noise never gets past the first field. */
const messages: Record<string, readonly [z.ZodType, object]> = {
  ProvisionRequest: [
    wire.ProvisionRequest,
    {
      ...{ customerId: ID, activationId: ID, proposedAgentId: ID, reason: 'first' },
      ...{
        publicKey: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
        agentVersion: '0.1.0',
        capabilities: [],
      },
      host: {
        ...{
          hostname: 'h',
          fqdn: 'h.x',
          netbios: 'H',
          os: 'linux',
          osVersion: '12',
          arch: 'x64',
          macs: [],
          ips: [],
        },
        ...{ fingerprint: HASH, fingerprintSources: ['machine-id'] },
      },
    },
  ],
  ProvisionReply: [
    wire.ProvisionReply,
    {
      ...{
        agentId: ID,
        platformPublicKey: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
        tags: [],
        modules: ['VM'],
      },
      ...{ configVersion: 1, statusIntervalSec: 900, serverTime: NOW, activationTitle: 'Laptops' },
    },
  ],
  StatusRequest: [wire.StatusRequest, { ...status, drops: { fim: 3 } }],
  StatusReply: [
    wire.StatusReply,
    {
      ...reply,
      processed: { SCA: { seq: 3, at: NOW } },
      commands: [{ id: ID, type: 'RESYNC', args: { types: ['SCA'] } }],
    },
  ],
  DocumentReply: [wire.DocumentReply, { document: 'a.b.c' }],
  OpenUploadRequest: [wire.OpenUploadRequest, upload],
  UploadState: [
    wire.UploadState,
    { uploadId: ID, state: 'committed', held: [0, 1], result: { seq: 1, root: HASH } },
  ],
  CommitReply: [wire.CommitReply, { seq: 1, root: HASH }],
  SyncCheckRequest: [wire.SyncCheckRequest, { types: { SCA: { seq: 1, root: HASH } } }],
  SyncCheckReply: [wire.SyncCheckReply, { types: { SCA: null }, mismatched: ['SCA'] }],
  AcksRequest: [
    wire.AcksRequest,
    {
      records: [
        { id: ID, at: NOW, kind: 'command', commandId: ID, type: 'RESYNC', result: 'DONE' },
        { id: ID, at: NOW, kind: 'activity', activity: 'Provisioned' },
        { id: ID, at: NOW, kind: 'gap', stream: 'fim', count: 1, bytes: 0, firstAt: NOW, lastAt: NOW },
      ],
    },
  ],
  AcksReply: [wire.AcksReply, { accepted: 1 }],
  ErrorReply: [wire.ErrorReply, { error: { code: 'A_LATER_CODE', message: 'x' }, serverTime: NOW }],
  ToCollector: [ToCollector, { kind: 'credit', job: 1, batches: 1 }],
  FromCollector: [FromCollector, { kind: 'batch', job: 1, items: [{ key: 'k', row: '{}', hash: HASH }] }],
  AgentEvent: [AgentEvent, { name: 'checked in', at: NOW, commands: 0 }],
  WatchLine: [WatchLine, { kind: 'event', event: { name: 'checked in', at: NOW, commands: 0 } }],
  CycleRequest: [CycleRequest, { types: ['SCA'] }],
  CycleReply: [CycleReply, { accepted: ['SCA'], refused: { UDC: 'suspended' } }],
  ControlError: [ControlError, { error: { code: 'X', message: 'x' } }],
  Row: [RowSchema, { a: 'x', b: 1, c: ['y'] }],
  ProfileDocument: [
    ProfileDocument,
    {
      kind: 'profile',
      customer: ID,
      audience: 'a',
      version: 1,
      issuedAt: NOW,
      content: { id: 'p', name: 'P' },
    },
  ],
  ManifestDocument: [
    ManifestDocument,
    {
      ...{ kind: 'manifest', customer: ID, audience: 'a', version: 1, issuedAt: NOW },
      content: { type: 'SCA', tasks: [{ id: 't', table: 'deb', params: { a: ['x'] } }] },
    },
  ],
};
const cases = Object.entries(messages).map(([name, [schema, example]]) => ({ name, schema, example }));

/** Replaces, adds or removes one value somewhere inside. */
function mutated(value: unknown, path: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return replacement;
  const entries: [string, unknown][] = Object.entries(value);
  const at = step % (entries.length + 1);
  const [key, old] = entries[at] ?? ['unexpected', undefined];
  const changed = mutated(old, rest, replacement);
  if (Array.isArray(value)) return Object.assign([...(value as unknown[])], { [at]: changed });
  return { ...value, [key]: changed };
}

describe('every message', () => {
  it.each(cases)(
    '$name accepts its example and ignores fields of a later version',
    ({ name, schema, example }) => {
      const parsed = schema.parse(example);
      const later = { ...example, ...(name === 'Row' ? {} : { ofALaterVersion: { x: [1] } }) };
      expect(schema.parse(later)).toEqual(parsed);
      expect(schema.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
    },
  );

  it.each(cases)('$name answers any JSON with a value or a ZodError', ({ schema, example }) => {
    const json = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc
        .tuple(fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }))
        .map(([path, replacement]) => mutated(example, path, replacement)),
    );
    fc.assert(
      fc.property(json, (value) => {
        const result = schema.safeParse(JSON.parse(JSON.stringify(value)));
        expect(result.success || result.error instanceof z.ZodError).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it.each(cases)('$name refuses deep nesting and a polluting key without harm', ({ schema }) => {
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as unknown;
    expect(schema.safeParse(deep).success).toBe(false);
    schema.safeParse(
      JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
    );
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('maps by manifest type', () => {
  it('drop types that this build does not know, whatever they hold', () => {
    const parsed = wire.StatusReply.parse({
      ...reply,
      manifestVersions: { Inventory: 1, Telemetry: 2, Later: { version: 3 }, ['x'.repeat(100)]: null },
      processed: { SCA: { seq: 3, at: NOW }, Telemetry: 'yesterday' },
    });
    expect(parsed.manifestVersions).toEqual({ Inventory: 1 });
    expect(parsed.processed).toEqual({ SCA: { seq: 3, at: NOW } });
  });

  it('refuse a type that is known with a value that is wrong', () => {
    expect(wire.StatusReply.safeParse({ ...reply, manifestVersions: { Inventory: -1 } }).success).toBe(false);
    expect(wire.StatusReply.safeParse({ ...reply, manifestVersions: [] }).success).toBe(false);
  });

  it('take nothing from a prototype', () => {
    const map = JSON.parse('{"__proto__":{"SCA":1},"UDC":2}') as unknown;
    expect(wire.StatusReply.parse({ ...reply, manifestVersions: map }).manifestVersions).toEqual({ UDC: 2 });
  });
});

describe('heartbeat', () => {
  it('of a host with all types fits into 1 KB', () => {
    const types = [
      'Inventory',
      'Vulnerability',
      'PolicyCompliance',
      'UDC',
      'AutoDiscovery',
      'MiddlewarePC',
      'FIM',
      'EDR',
      'PatchAssessment',
    ];
    const request = {
      ...status,
      lastActivity: { name: 'Inventory Scan Complete', at: NOW },
      manifestVersions: Object.fromEntries(types.map((type) => [type, 12])),
      types: Object.fromEntries(types.map((type) => [type, { seq: 1234, root: 'abababab' }])),
      drops: {},
    };
    expect(wire.StatusRequest.safeParse(request).success).toBe(true);
    expect(JSON.stringify(request).length).toBeLessThan(1024);
  });

  it('has no drops, commands and processed types unless it says so', () => {
    expect(wire.StatusRequest.parse(status).drops).toEqual({});
    expect(wire.StatusReply.parse(reply)).toMatchObject({ commands: [], processed: {} });
  });

  it('leaves the type of a command open', () => {
    const commands = [{ id: ID, type: 'DANCE' }];
    expect(wire.StatusReply.parse({ ...reply, commands }).commands).toEqual([
      { id: ID, type: 'DANCE', args: {} },
    ]);
  });
});

describe('opening an upload', () => {
  const accepted = (change: object): boolean =>
    wire.OpenUploadRequest.safeParse({ ...upload, ...change }).success;

  it('takes 4 MB at 1024 KB as 4 chunks, and no other number', () => {
    expect(accepted({})).toBe(true);
    expect(accepted({ chunkCount: 3 })).toBe(false);
    expect(accepted({ chunkCount: 5 })).toBe(false);
    expect(accepted({ encodedBytes: 4_194_305, chunkCount: 5 })).toBe(true);
  });

  it('R143 bounds the chunk size from 64 KB to 10 240 KB', () => {
    const one = { encodedBytes: 1, chunkCount: 1 };
    for (const chunkBytes of [65_536, 10_485_760]) expect(accepted({ ...one, chunkBytes })).toBe(true);
    for (const chunkBytes of [65_535, 10_485_761]) expect(accepted({ ...one, chunkBytes })).toBe(false);
  });

  it.each(['type', 'newSeq', 'newRoot', 'baseSeq', 'baseRoot'])('needs %s for a delta', (field) => {
    expect(accepted({ [field]: undefined })).toBe(false);
  });

  it('needs no base for a snapshot, but where it leads to', () => {
    const snapshot = { kind: 'snapshot', baseSeq: undefined, baseRoot: undefined };
    expect(accepted(snapshot)).toBe(true);
    for (const field of ['type', 'newSeq', 'newRoot'])
      expect(accepted({ ...snapshot, [field]: undefined })).toBe(false);
    expect(accepted({ ...snapshot, newSeq: 0 })).toBe(false);
    expect(accepted({ ...snapshot, newSeq: 1 })).toBe(true);
  });

  it('needs neither type nor sequence for events and logs', () => {
    const none = {
      type: undefined,
      baseSeq: undefined,
      baseRoot: undefined,
      newSeq: undefined,
      newRoot: undefined,
    };
    for (const kind of ['fim', 'edr', 'logs']) expect(accepted({ ...none, kind })).toBe(true);
  });
});
