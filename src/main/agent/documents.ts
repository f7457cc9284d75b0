import { z } from 'zod';
import {
  audienceOfAgent,
  audienceOfCustomer,
  ManifestDocument,
  ProfileDocument,
} from '../../shared/documents.ts';
import { isStreamType, type ManifestType } from '../../shared/modules.ts';
import { clampProfile } from '../../shared/profile.ts';
import { toInstant } from '../clock.ts';
import { DocumentRefused, openDocument } from '../../wire/signed-document.ts';
import type { Failure } from '../uplink/failure.ts';
import type { Apply, Context } from './context.ts';
import { emptyTypeFacts } from './facts.ts';
import { exchangeFailed, exchangeWorked } from './failures.ts';
import { statusIntervalSec } from './plan.ts';
import { recordActivity } from './records.ts';
import { earlierRequest, spreadMs } from './schedule.ts';

/** A signed document as it is kept: verified again when it is read back. */
const Stored = z.object({ jws: z.string() });

type Opened<T> = { readonly document: T } | { readonly refused: string };

async function open<T>(opening: Promise<T>): Promise<Opened<T>> {
  try {
    return { document: await opening };
  } catch (error) {
    if (error instanceof DocumentRefused) return { refused: error.message };
    throw error;
  }
}

function openProfile(context: Context, jws: string, minVersion: number): Promise<Opened<ProfileDocument>> {
  const registration = context.identity.registration;
  return open(
    openDocument(jws, context.platformKey() ?? '', ProfileDocument, {
      kind: 'profile',
      customer: registration?.customerId ?? '',
      audience: audienceOfAgent(registration?.hostId ?? ''),
      minVersion,
    }),
  );
}

async function openManifest(
  context: Context,
  type: ManifestType,
  jws: string,
  minVersion: number,
): Promise<Opened<ManifestDocument>> {
  const customer = context.identity.registration?.customerId ?? '';
  const opened = await open(
    openDocument(jws, context.platformKey() ?? '', ManifestDocument, {
      kind: 'manifest',
      customer,
      audience: audienceOfCustomer(customer),
      minVersion,
    }),
  );
  if ('document' in opened && opened.document.content.type !== type) {
    return { refused: `manifest is of type ${opened.document.content.type}` };
  }
  return opened;
}

/** Downloads the profile and puts it in force; one that is refused leaves the last good one. */
export async function fetchProfile(context: Context): Promise<Apply> {
  const reply = await context.platform.profile();
  if (!reply.ok) {
    return () => {
      documentFailed(context, 'profile', reply.failure);
    };
  }
  const opened = await openProfile(context, reply.value.document, context.facts().profileVersion);
  return () => {
    exchangeWorked(context);
    if ('refused' in opened) {
      postpone(context, 'profile');
      context.log.error(`profile refused: ${opened.refused}`);
      context.conditions.raise('PROFILE_INVALID', context.clock.now(), { reason: opened.refused });
      return;
    }
    // The platform served less than it announced: it is not asked in a loop.
    if (opened.document.version < context.facts().profileOffered) postpone(context, 'profile');
    context.store.kv.set('profile', { jws: reply.value.document });
    applyProfile(context, opened.document);
    const { name } = opened.document.content;
    context.emit({ name: 'profile', profile: name, version: opened.document.version });
    recordActivity(context, 'Configuration Downloaded', `${name}, version ${opened.document.version}`);
  };
}

/** Puts a verified profile in force: values out of range are clamped, said and reported, never a failure. */
function applyProfile(context: Context, document: ProfileDocument): void {
  const { profile, clamped } = clampProfile(document.content);
  context.conditions.clear('PROFILE_INVALID');
  context.conditions.clear('PROFILE_CLAMPED');
  if (clamped.length > 0) {
    const values = clamped.map(({ parameter, given, used }) => `${parameter} ${given} → ${used}`).join(', ');
    context.log.warn(`profile values out of range: ${values}`);
    context.conditions.raise('PROFILE_CLAMPED', context.clock.now(), { values });
  }
  context.log.info(`profile "${profile.name}" version ${document.version} in force`);
  const offered = Math.max(context.facts().profileOffered, document.version);
  context.update({
    profile,
    profileClamped: clamped,
    profileVersion: document.version,
    profileOffered: offered,
  });
}

/** Downloads the manifest of a type and puts it in force; a new or updated one starts a collection at once (R170). */
export async function fetchManifest(context: Context, type: ManifestType): Promise<Apply> {
  const reply = await context.platform.manifest(type);
  if (!reply.ok) {
    const { failure } = reply;
    if (failure.kind !== 'api' || (failure.code !== 'NO_MANIFEST' && failure.code !== 'MODULE_NOT_ACTIVE')) {
      return () => {
        documentFailed(context, type, failure);
      };
    }
    return () => {
      exchangeWorked(context);
      const { [type]: _none, ...manifestsOffered } = context.facts().manifestsOffered;
      context.update({ manifestsOffered });
      context.log.info(`no ${type} manifest: ${failure.message}`);
    };
  }
  const minVersion = context.facts().types[type]?.manifest?.version ?? 0;
  const opened = await openManifest(context, type, reply.value.document, minVersion);
  return () => {
    exchangeWorked(context);
    if (!context.facts().activeTypes.includes(type)) return;
    if ('refused' in opened) {
      postpone(context, type);
      context.log.error(`${type} manifest refused: ${opened.refused}`);
      context.conditions.raise(
        'MANIFEST_INVALID',
        context.clock.now(),
        { type, reason: opened.refused },
        type,
      );
      return;
    }
    takeManifest(context, type, opened.document, reply.value.document);
  };
}

function takeManifest(context: Context, type: ManifestType, document: ManifestDocument, jws: string): void {
  if (document.version !== context.facts().manifestsOffered[type]) postpone(context, type);
  if (document.version === context.facts().types[type]?.manifest?.version) {
    context.conditions.clear('MANIFEST_INVALID', type);
    return;
  }
  context.store.kv.set(`manifest:${type}`, { jws });
  applyManifest(context, type, document);
  if (!isStreamType(type)) requestFirstScan(context, type);
  context.emit({ name: 'manifest', type, version: document.version, tasks: document.content.tasks.length });
  recordActivity(context, 'Manifest Downloaded', `${type}, version ${document.version}`);
}

function requestFirstScan(context: Context, type: ManifestType): void {
  const now = context.clock.now();
  const spread = spreadMs(context.facts().profile, context.random.next());
  const request = { reason: 'manifest' as const, notBefore: now + spread };
  const requested = earlierRequest(context.facts().types[type]?.requested ?? null, request);
  context.updateType(type, { requested });
}

function applyManifest(context: Context, type: ManifestType, document: ManifestDocument): void {
  const { tasks } = document.content;
  context.conditions.clear('MANIFEST_INVALID', type);
  context.tasks.set(type, tasks);
  const tables = [...new Set(tasks.map((task) => task.table))];
  context.updateType(type, { manifest: { version: document.version, tasks: tasks.length, tables } });
}

/**
 * The platform answered, but not with the document. One that can't be served must not keep everything else waiting, so
 * it steps aside; a platform that is merely busy is asked again as soon as it allows.
 */
function documentFailed(context: Context, document: string, failure: Failure): void {
  exchangeFailed(context, failure);
  if (failure.kind === 'api' && failure.status !== 429 && failure.status !== 503) postpone(context, document);
}

/** A document that can't be used is asked for again after a status interval, not in a loop. */
export function postpone(context: Context, document: string): void {
  const notBefore = context.clock.now() + statusIntervalSec(context.facts()) * 1000;
  context.log.debug(`${document} is asked for again at ${toInstant(notBefore)}`);
  context.update({ documentsNotBefore: { ...context.facts().documentsNotBefore, [document]: notBefore } });
}

/**
 * Puts profile and manifests of the last run in force again. Each is verified anew: a document that was changed on the
 * disk counts as absent and is downloaded again.
 */
export async function loadDocuments(context: Context, types: readonly ManifestType[]): Promise<void> {
  const profile = context.store.kv.get('profile', Stored);
  if (profile !== undefined) {
    const opened = await openProfile(context, profile.jws, 0);
    if ('document' in opened) applyProfile(context, opened.document);
    else context.log.warn(`stored profile is not used: ${opened.refused}`);
  }
  for (const type of types) {
    if (context.facts().types[type] === undefined) context.updateType(type, emptyTypeFacts);
    const stored = context.store.kv.get(`manifest:${type}`, Stored);
    if (stored === undefined) continue;
    const opened = await openManifest(context, type, stored.jws, 0);
    if ('document' in opened) applyManifest(context, type, opened.document);
    else context.log.warn(`stored ${type} manifest is not used: ${opened.refused}`);
  }
}
