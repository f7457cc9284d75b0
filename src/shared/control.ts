import { z } from 'zod';
import { HostEvent } from './host-events.ts';
import { MANIFEST_TYPES } from './modules.ts';
import { AgentStatus } from './status.ts';

/**
 * The local control channel: HTTP/1.1 over a Unix socket or a named pipe, two endpoints that the operating system
 * separates. `read` answers anyone on the host, `admin` only root or SYSTEM. A watcher gets a snapshot first, then
 * changes, one JSON object a line.
 */
export const CONTROL_VERSION = 1;

/** Header by which each side names the version that it speaks; a client without it is taken at the path's word. */
export const CONTROL_HEADER = 'wayfarer-control';

/** Something worth a line on a terminal. `at` in RFC 3339; numbers are counts, bytes or milliseconds as named. */
export const AgentEvent = z.discriminatedUnion('name', [
  z.object({
    name: z.literal('provisioned'),
    at: z.string(),
    hostId: z.string(),
    activationTitle: z.string(),
  }),
  z.object({
    name: z.literal('provisioning failed'),
    at: z.string(),
    code: z.string(),
    reason: z.string(),
    nextAt: z.string(),
  }),
  z.object({ name: z.literal('profile'), at: z.string(), profile: z.string(), version: z.number() }),
  z.object({
    name: z.literal('manifest'),
    at: z.string(),
    type: z.string(),
    version: z.number(),
    tasks: z.number(),
  }),
  z.object({ name: z.literal('collecting'), at: z.string(), type: z.string(), reason: z.string() }),
  z.object({
    name: z.literal('collected'),
    at: z.string(),
    type: z.string(),
    rows: z.number(),
    set: z.number(),
    del: z.number(),
    errors: z.number(),
    elapsedMs: z.number(),
    cpuMs: z.number(),
  }),
  z.object({ name: z.literal('collection failed'), at: z.string(), type: z.string(), reason: z.string() }),
  z.object({
    name: z.literal('chunk'),
    at: z.string(),
    type: z.string(),
    n: z.number(),
    of: z.number(),
    bytes: z.number(),
  }),
  z.object({
    name: z.literal('uploaded'),
    at: z.string(),
    type: z.string(),
    kind: z.string(),
    seq: z.number(),
    root: z.string(),
    rawBytes: z.number(),
    sentBytes: z.number(),
    chunks: z.number(),
    set: z.number(),
    del: z.number(),
  }),
  z.object({
    name: z.literal('events uploaded'),
    at: z.string(),
    type: z.string(),
    /** Records and gaps. */
    records: z.number(),
    rawBytes: z.number(),
    sentBytes: z.number(),
  }),
  z.object({ name: z.literal('in sync'), at: z.string(), types: z.array(z.string()) }),
  z.object({ name: z.literal('resync'), at: z.string(), types: z.array(z.string()), reason: z.string() }),
  z.object({ name: z.literal('changed'), at: z.string(), types: z.array(z.string()), reason: z.string() }),
  z.object({ name: z.literal('checked in'), at: z.string(), commands: z.number() }),
  z.object({ name: z.literal('command'), at: z.string(), type: z.string(), result: z.string() }),
  z.object({
    name: z.literal('condition'),
    at: z.string(),
    code: z.string(),
    raised: z.boolean(),
    text: z.string(),
  }),
]);
export type AgentEvent = z.infer<typeof AgentEvent>;

/** One line of `GET /v1/watch`. */
export const WatchLine = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('snapshot'), version: z.literal(CONTROL_VERSION), status: AgentStatus }),
  z.object({ kind: z.literal('status'), status: AgentStatus }),
  z.object({ kind: z.literal('event'), event: AgentEvent }),
]);
export type WatchLine = z.infer<typeof WatchLine>;

/** Body of `POST /v1/cycle` (admin): collect these types now, or every active one. */
export const CycleRequest = z.object({ types: z.array(z.enum(MANIFEST_TYPES)).max(16).optional() });
export type CycleRequest = z.infer<typeof CycleRequest>;
export const CycleReply = z.object({
  accepted: z.array(z.string()),
  refused: z.record(z.string(), z.string()),
});
export type CycleReply = z.infer<typeof CycleReply>;

/** How many events the agent remembers for those who come later. */
export const RECENT_EVENTS = 200;

/** Answer of `GET /v1/events`: what happened since the agent started, the last ones alone, the oldest first. */
export const EventsReply = z.object({ events: z.array(AgentEvent).max(RECENT_EVENTS) });
export type EventsReply = z.infer<typeof EventsReply>;

/** How many events of files, and of processes, the agent remembers for those who look at them on the host. */
export const RECENT_HOST_EVENTS = 500;

/** Answer of `GET /v1/host-events/fim` and `/edr` (admin): the newest events, the oldest of them first. */
export const HostEventsReply = z.object({ events: z.array(HostEvent).max(RECENT_HOST_EVENTS) });
export type HostEventsReply = z.infer<typeof HostEventsReply>;

/** One line of `GET /v1/watch/fim` and `/edr` (admin): an event, or how many were left out for who reads too slowly. */
export const HostEventLine = z.union([
  z.object({ skipped: z.number().int() }),
  z.object({ event: HostEvent }),
]);
export type HostEventLine = z.infer<typeof HostEventLine>;

const ParameterValue = z.union([z.number(), z.boolean(), z.string()]);

/** One parameter of the profile in force; lists are written as text. */
export const ShownParameter = z.object({
  name: z.string(),
  value: ParameterValue,
  /** `null` for what has none: switches, words, lists. */
  unit: z.string().nullable(),
  range: z.object({ min: z.number(), max: z.number() }).nullable(),
  default: ParameterValue,
  /** What the profile said, where that was out of range; `null` where it is in force as it was said. */
  clampedFrom: ParameterValue.nullable(),
});
export type ShownParameter = z.infer<typeof ShownParameter>;

/** Answer of `GET /v1/profile`: the one profile in force (R128); version 0 before the platform sent one. */
export const ProfileReply = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  version: z.number().int(),
  preset: z.string(),
  parameters: z.array(ShownParameter),
});
export type ProfileReply = z.infer<typeof ProfileReply>;

/**
 * Answer of `POST /v1/provision` (admin): whether the agent begins with an attempt to register now, or has nothing to do.
 * Without settings, or once the platform removed it, the call is refused.
 */
export const ProvisionNowReply = z.object({ state: z.enum(['trying', 'registered']) });
export type ProvisionNowReply = z.infer<typeof ProvisionNowReply>;

/** Body of every refusal. */
export const ControlError = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
