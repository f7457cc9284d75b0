import { z } from 'zod';

/**
 * What the endpoint tells the agent core, once: on which ports it listens, or that it can't. Without a port it ends
 * after that. Only the core parses it; the endpoint imports the type alone.
 */
export const Report = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('listening'),
    ports: z.array(z.number().int()).min(1).max(32),
    taken: z.array(z.object({ port: z.number().int(), code: z.string().max(40) })).max(32),
  }),
  z.object({
    kind: z.literal('no port'),
    taken: z.array(z.object({ port: z.number().int(), code: z.string().max(40) })).max(32),
  }),
  z.object({ kind: z.literal('failed'), reason: z.string().max(500) }),
]);
export type Report = z.infer<typeof Report>;
