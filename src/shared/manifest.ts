import { z } from 'zod';
import { MANIFEST_TYPES } from './modules.ts';

/** Bounds on what a platform may ask of a host, however validly signed. */
export const MANIFEST_LIMITS = { tasks: 5_000, bytes: 4 * 1024 * 1024 } as const;

/** Table names are identifiers; which of them exist is the collector's to say. */
const TableName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/);

const Scalar = z.union([z.string().max(4_096), z.number(), z.boolean()]);

/** One thing to collect: a table, with parameters where the table takes some. `id` is unique in the manifest. */
export const TaskSchema = z.object({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
  table: TableName,
  params: z.record(z.string().max(64), z.union([Scalar, z.array(Scalar).max(256)])).default({}),
});
export type Task = z.infer<typeof TaskSchema>;

/** What a module collects on a host (R021). Commands are never part of it. */
export const ManifestSchema = z
  .object({
    type: z.enum(MANIFEST_TYPES),
    description: z.string().max(1_000).optional(),
    tasks: z.array(TaskSchema).max(MANIFEST_LIMITS.tasks),
  })
  .refine((manifest) => new Set(manifest.tasks.map((task) => task.id)).size === manifest.tasks.length, {
    message: 'two tasks have the same id',
  });
export type Manifest = z.infer<typeof ManifestSchema>;
