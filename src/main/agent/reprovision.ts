import { z } from 'zod';
import { Uuid } from '../../shared/ids.ts';
import { isStreamType, MANIFEST_TYPES, type ManifestType } from '../../shared/modules.ts';
import { noBackoff } from './backoff.ts';
import type { Apply, Context } from './context.ts';
import { sendRecords } from './records.ts';

/** A change of identity that is under way; it outlives a crash at any point. */
const Marker = z.object({
  /** The Host ID to propose. */
  hostId: Uuid,
  previous: Uuid,
  /** Whether the new key pair was made. */
  renewed: z.boolean(),
});
const MARKER = 'reprovision';

/** Notes durably that this host takes a new identity (R096). */
export function wantReprovision(context: Context): void {
  const previous = context.identity.registration?.hostId;
  if (previous === undefined || context.store.kv.get(MARKER, Marker) !== undefined) return;
  context.store.kv.set(MARKER, { hostId: context.random.uuid(), previous, renewed: false });
  context.update({ reprovisionWanted: true });
}

/**
 * Leaves the old identity: offers what is queued to the platform once under it, so that the command is acknowledged by
 * the agent it was given to, then makes a new key pair and drops what was synchronised. A clone can't wait for an answer.
 */
export async function reprovision(context: Context): Promise<Apply> {
  const applyRecords = await sendRecords(context);
  return () => {
    applyRecords();
    takeNewIdentity(context);
  };
}

function takeNewIdentity(context: Context): void {
  const marker = context.store.kv.get(MARKER, Marker);
  if (marker !== undefined) leaveOldIdentity(context, marker);
  context.update({ reprovisionWanted: false });
}

/** Every step may be done twice: a crash in between repeats them all, until the marker says that they are done. */
function leaveOldIdentity(context: Context, marker: z.infer<typeof Marker>): void {
  context.log.warn('taking a new Host ID and a new key, as the platform asked for');
  for (const type of MANIFEST_TYPES) {
    context.cancelCollection(type);
    context.store.snapshots.scorch(type);
    if (context.facts().types[type] !== undefined && !isStreamType(type)) forgetSynchronised(context, type);
  }
  context.store.kv.delete('profile');
  context.store.kv.delete('heartbeatCounter');
  context.store.kv.delete('registered');
  context.identity.keyPair = context.identityFiles.renewKeyPair();
  context.store.kv.set(MARKER, { ...marker, renewed: true });
  context.identity.proposal = { hostId: marker.hostId, previous: marker.previous };
  context.identity.conflict = false;
  context.update({
    provisioned: false,
    provisioning: noBackoff,
    uplink: noBackoff,
    pending: null,
    profileVersion: 0,
    lastHeartbeatAt: null,
  });
}

function forgetSynchronised(context: Context, type: ManifestType): void {
  context.updateType(type, {
    seq: 0,
    root: null,
    rows: 0,
    uploadedAt: null,
    processedAt: null,
    serving: null,
    requested: { reason: 'resync', notBefore: context.clock.now() },
  });
}

/** Goes on with a change of identity that a crash cut short. */
export function resumeReprovision(context: Context): void {
  const marker = context.store.kv.get(MARKER, Marker);
  if (marker === undefined) return;
  const { identity } = context;
  if (context.facts().provisioned) {
    // Confirmed already, and only the marker was left behind?
    if (identity.registration?.hostId === marker.previous) context.update({ reprovisionWanted: true });
    else context.store.kv.delete(MARKER);
  } else if (!marker.renewed) leaveOldIdentity(context, marker);
  else if (identity.storedHostId !== undefined && identity.storedHostId !== marker.previous) {
    identity.proposal = { hostId: identity.storedHostId, previous: marker.previous };
  } else if (identity.proposal?.previous !== marker.previous) {
    identity.proposal = { hostId: marker.hostId, previous: marker.previous };
  }
}
