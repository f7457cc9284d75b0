import { z } from 'zod';
import { Instant, Uuid } from './ids.ts';
import { ManifestSchema } from './manifest.ts';
import { ProfileSchema } from './profile.ts';

/**
 * Signed documents carry who they are for and a version that never decreases, so that an old or a foreign one
 * can't be replayed from a cache or a disk (protocol, "Trust").
 */
function signed<K extends string, T extends z.ZodType>(kind: K, content: T) {
  return z.object({
    kind: z.literal(kind),
    customer: Uuid,
    /** `agent:<uuid>` for a profile, `customer:<uuid>` for a manifest. */
    audience: z.string().max(64),
    version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    issuedAt: Instant,
    content,
  });
}

export const ProfileDocument = signed('profile', ProfileSchema);
export type ProfileDocument = z.infer<typeof ProfileDocument>;

export const ManifestDocument = signed('manifest', ManifestSchema);
export type ManifestDocument = z.infer<typeof ManifestDocument>;

export const audienceOfAgent = (agentId: Uuid): string => `agent:${agentId}`;
export const audienceOfCustomer = (customerId: Uuid): string => `customer:${customerId}`;
