import { z } from 'zod';

/** The part of the OSV schema (ossf.github.io/osv-schema, 1.x) that correlation reads; the rest is ignored. */
const Event = z
  .object({
    introduced: z.string().min(1).max(256),
    fixed: z.string().min(1).max(256),
    last_affected: z.string().min(1).max(256),
    limit: z.string().min(1).max(256),
  })
  .partial()
  .refine((event) => Object.keys(event).length === 1, { message: 'an event says exactly one thing' });
export type OsvEvent = z.infer<typeof Event>;

const Range = z.object({
  type: z.string().max(32),
  events: z
    .array(Event)
    .min(1)
    .max(1_000)
    .refine((events) => events.some((event) => event.introduced !== undefined), {
      message: 'a range needs an "introduced" event',
    }),
});
export type OsvRange = z.infer<typeof Range>;

const Severity = z.object({ type: z.string().max(32), score: z.string().max(256) });

const Affected = z.object({
  package: z.object({ ecosystem: z.string().min(1).max(128), name: z.string().min(1).max(256) }),
  severity: z.array(Severity).max(16).optional(),
  ranges: z.array(Range).max(256).default([]),
  versions: z.array(z.string().max(256)).max(100_000).default([]),
});
export type OsvAffected = z.infer<typeof Affected>;

export const OsvRecord = z.object({
  id: z.string().min(1).max(128),
  modified: z.iso.datetime({ offset: true }),
  published: z.iso.datetime({ offset: true }).optional(),
  withdrawn: z.iso.datetime({ offset: true }).optional(),
  aliases: z.array(z.string().max(128)).max(1_000).default([]),
  upstream: z.array(z.string().max(128)).max(1_000).default([]),
  summary: z.string().max(2_000).default(''),
  severity: z.array(Severity).max(16).default([]),
  affected: z.array(Affected).max(10_000).default([]),
  database_specific: z.record(z.string(), z.unknown()).default({}),
});
export type OsvRecord = z.infer<typeof OsvRecord>;

/** CVE ids of a record: its own id, aliases, and what it was derived from; sorted, each once. */
export function cvesOf(record: OsvRecord): string[] {
  const ids = [record.id, ...record.aliases, ...record.upstream];
  return [...new Set(ids.filter((id) => /^CVE-\d{4}-\d{4,}$/.test(id)))].sort();
}
