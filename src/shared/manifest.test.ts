import { describe, expect, it } from 'vitest';
import { audienceOfAgent, audienceOfCustomer, ManifestDocument } from './documents.ts';
import { MANIFEST_LIMITS, ManifestSchema, TaskSchema } from './manifest.ts';

const task = { id: 'deb', table: 'deb' };
const taskAccepted = (change: object): boolean => TaskSchema.safeParse({ ...task, ...change }).success;

describe('tasks', () => {
  it('name a table and take parameters, none by default', () => {
    expect(TaskSchema.parse(task)).toEqual({ ...task, params: {} });
    const params = { path: '/etc/ssh', deep: true, depth: 3, only: ['a', 1, false] };
    expect(TaskSchema.parse({ ...task, params })).toEqual({ ...task, params });
  });

  it('carry no command, however they ask', () => {
    expect(TaskSchema.parse({ ...task, command: 'id', args: ['-c'] })).toEqual({ ...task, params: {} });
  });

  it.each([['a'], ['a'.repeat(128)], ['Cis-1.2_b']])('take %s as their id', (id) => {
    expect(taskAccepted({ id })).toBe(true);
  });

  it.each([[''], ['a'.repeat(129)], ['-a'], ['a/b'], ['a b'], ['a\n'], ['ä'], [1]])(
    'refuse %j as their id',
    (id) => {
      expect(taskAccepted({ id })).toBe(false);
    },
  );

  it.each([['a'], [`a${'1'.repeat(63)}`], ['listening_ports']])('take %s as a table', (table) => {
    expect(taskAccepted({ table })).toBe(true);
  });

  it.each([[''], [`a${'1'.repeat(64)}`], ['1a'], ['_a'], ['Deb'], ['../x'], ['a\n']])(
    'refuse %j as a table',
    (table) => {
      expect(taskAccepted({ table })).toBe(false);
    },
  );

  it.each([
    [{ p: null }],
    [{ p: {} }],
    [{ p: [[]] }],
    [{ p: 'x'.repeat(4097) }],
    [{ p: Array.from({ length: 257 }, () => 'x') }],
    [{ ['p'.repeat(65)]: 1 }],
  ])('refuse parameters such as %j', (params) => {
    expect(taskAccepted({ params })).toBe(false);
  });
});

describe('manifests', () => {
  it('R021 hold the tasks of one type', () => {
    const manifest = { type: 'SCA', tasks: [task, { ...task, id: 'other' }] };
    expect(ManifestSchema.parse(manifest).tasks).toHaveLength(2);
    expect(ManifestSchema.safeParse({ type: 'Telemetry', tasks: [] }).success).toBe(false);
  });

  it('refuse two tasks of one id', () => {
    const result = ManifestSchema.safeParse({ type: 'SCA', tasks: [task, { ...task, table: 'rpm' }] });
    expect(result.error?.issues[0]?.message).toBe('two tasks have the same id');
  });

  it('are bounded in tasks', () => {
    const tasks = Array.from({ length: MANIFEST_LIMITS.tasks + 1 }, (_, n) => ({
      ...task,
      id: `t${String(n)}`,
    }));
    expect(ManifestSchema.safeParse({ type: 'SCA', tasks }).success).toBe(false);
    expect(ManifestSchema.safeParse({ type: 'SCA', tasks: tasks.slice(1) }).success).toBe(true);
  });
});

describe('documents', () => {
  const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
  const document = {
    kind: 'manifest',
    customer: id,
    audience: audienceOfCustomer(id),
    version: 1,
    issuedAt: '2026-11-20T23:19:56Z',
    content: { type: 'SCA', tasks: [] },
  };

  it('say whom they are for', () => {
    expect(audienceOfAgent(id)).toBe(`agent:${id}`);
    expect(audienceOfCustomer(id)).toBe(`customer:${id}`);
    expect(ManifestDocument.parse(document)).toEqual(document);
  });

  it.each([
    [{ version: 0 }],
    [{ version: 1.5 }],
    [{ version: 2 ** 53 }],
    [{ kind: 'profile' }],
    [{ customer: id.toUpperCase() }],
    [{ audience: 'x'.repeat(65) }],
    [{ issuedAt: 'yesterday' }],
    [{ content: undefined }],
  ])('are refused with %j', (change) => {
    expect(ManifestDocument.safeParse({ ...document, ...change }).success).toBe(false);
  });
});
