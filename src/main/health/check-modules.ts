import { isManifestType, isStreamType } from '../../shared/modules.ts';
import type { AgentStatus, TypeStatus } from '../../shared/status.ts';
import { checkStreams } from './check-streams.ts';
import { attention, good, skipped, type Check, type Finding } from './health.ts';
import type { HealthInput } from './input.ts';

const MINUTE = 60_000;

/** How much later than planned a first collection may be, ms. */
const GRACE_MS = 15 * MINUTE;

/** Whether each module was scanned and uploaded within two of its intervals and what delays them on purpose (R285). */
export function checkModules({ service, now }: HealthInput): Finding[] {
  if (!service.answers) return [skipped('scans', 'the service does not answer')];
  const { status } = service;
  if (status.identity.hostId === null) return [skipped('scans', 'the host is not registered')];
  const scanned = Object.entries(status.types).filter(
    ([type]) => !isManifestType(type) || !isStreamType(type),
  );
  return [...scanned.map(([type, facts]) => checkType(type, facts, status, now)), ...checkStreams(status)];
}

function checkType(type: string, facts: TypeStatus, status: AgentStatus, now: number): Check {
  const name = `scan ${type}`;
  const { collectedAt, uploadedAt, nextDueAt, manifestVersion, intervalMin, spreadMin } = facts;
  const times = `collected ${collectedAt ?? 'never'}, uploaded ${uploadedAt ?? 'never'}, every ${String(intervalMin)} min`;
  if (status.profile.suspended) return good(name, `suspended by the profile; ${times}`);
  if (manifestVersion === null) {
    const nextStep = 'See on the platform whether the module has a manifest for this host.';
    return attention(name, `no manifest yet; ${times}`, nextStep);
  }
  const { blackout, reduced } = status;
  if (blackout.until !== null) return good(name, `held by the blackout until ${blackout.until}; ${times}`);
  const held = [...reduced.noCollection, ...reduced.noTransmission].some((other) => other === type);
  if (held)
    return good(name, `held by reduced activity until ${reduced.until ?? 'further notice'}; ${times}`);
  if (status.pendingUpload?.type === type) return good(name, `an upload is under way; ${times}`);
  const last = uploadedAt === null ? null : Date.parse(uploadedAt);
  if (last === null) {
    // Before the first one only its plan can tell.
    const planned = nextDueAt === null ? Date.parse(status.startedAt) : Date.parse(nextDueAt);
    if (now <= planned + GRACE_MS) return good(name, `the first one is planned; ${times}`);
  } else if (now - last <= (2 * intervalMin + spreadMin) * MINUTE) return good(name, times);
  const nextStep =
    status.conditions[0]?.text ?? `See the log for "${type}", and "connection" for the way to the platform.`;
  return attention(name, `overdue; ${times}`, nextStep);
}
