import { z } from 'zod';
import { FIM_TABLE, FimRuleParams } from '../../shared/file-integrity.ts';
import { MANIFEST_LIMITS, ManifestSchema, type Manifest } from '../../shared/manifest.ts';
import { isManifestType, type ManifestType } from '../../shared/modules.ts';
import { EDR_RULES } from '../../shared/process-events.ts';
import { publishManifest } from '../agents/manifests.ts';
import type { Records } from '../context.ts';
import { NotFound, Refused } from '../errors.ts';
import { MANIFESTS } from '../manifests/manifests.ts';
import { parseInput } from './input.ts';

/** Tables that a task may name in the manifests that administrators write, each with the schema of its parameters. */
const RULES: Readonly<Partial<Record<ManifestType, Readonly<Record<string, z.ZodType>>>>> = {
  FIM: { [FIM_TABLE]: FimRuleParams },
  EDR: EDR_RULES,
};

/** A manifest before its tasks are looked at one by one, so that what is wrong can be named with its task. */
const Outline = z.strictObject({
  type: z.string().max(64).optional(),
  description: z.string().max(1_000).optional(),
  tasks: z
    .array(
      z.strictObject({
        id: z.string().max(200),
        table: z.string().max(200),
        params: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .max(MANIFEST_LIMITS.tasks),
});
type TaskOutline = z.output<typeof Outline>['tasks'][number];

/** One line of the manifests' list. */
function summaryOf(context: Records, type: string) {
  const { manifests } = context.store.documents;
  const stored = manifests.get(type);
  if (stored === undefined) return undefined;
  const { tasks } = JSON.parse(stored.content) as Manifest;
  return {
    type,
    version: stored.version,
    /** Whether an administrator set it. */
    own: manifests.isOwn(type),
    issuedAt: stored.issuedAt,
    tasks: tasks.length,
  };
}

export const listManifests = (context: Records) =>
  MANIFESTS.map(({ type }) => summaryOf(context, type)).filter((found) => found !== undefined);

/** A manifest in force, with its version. Throws `NotFound`. */
export function showManifest(context: Records, name: string) {
  const type = requireType(name);
  const stored = context.store.documents.manifests.get(type);
  const summary = summaryOf(context, type);
  if (stored === undefined || summary === undefined) {
    throw new NotFound(`there is no manifest of ${type} yet: start the platform once`);
  }
  return { ...summary, manifest: JSON.parse(stored.content) as Manifest };
}

/**
 * Puts an administrator's manifest of FIM or EDR in the place of the platform's own, under the next version if it says
 * something else than the one in force. Nothing is stored unless all of it is good. Throws `NotFound`, and `Refused` naming
 * the task and the parameter.
 */
export function setManifest(context: Records, name: string, input: unknown) {
  const type = requireType(name);
  const rules = RULES[type];
  if (rules === undefined) {
    throw new Refused(`the manifest of ${type} is the platform's; FIM and EDR can be set`);
  }
  const outline = parseInput(Outline, input);
  if (outline.type !== undefined && outline.type !== type) {
    throw new Refused(`type: it is a manifest of ${outline.type}, not of ${type}`);
  }
  for (const task of outline.tasks) requireRule(rules, task);
  const manifest = parseInput(ManifestSchema, { ...outline, type });
  return context.store.transaction(() => {
    publishManifest(context, manifest);
    context.store.documents.manifests.setOwn(type, true);
    return showManifest(context, type);
  });
}

/** Puts the manifest that comes with the platform back in force, under the next version. Throws `NotFound`, `Refused`. */
export function resetManifest(context: Records, name: string) {
  const type = requireType(name);
  const definition = MANIFESTS.find((one) => one.type === type);
  if (definition === undefined) throw new NotFound(`the platform has no manifest of ${type}`);
  return context.store.transaction(() => {
    publishManifest(context, definition);
    context.store.documents.manifests.setOwn(type, false);
    return showManifest(context, type);
  });
}

function requireType(name: string): ManifestType {
  const type = MANIFESTS.find((one) => one.type.toLowerCase() === name.toLowerCase())?.type;
  if (type === undefined || !isManifestType(type)) {
    throw new NotFound(`there is no manifest type "${name}": ${MANIFESTS.map((one) => one.type).join(', ')}`);
  }
  return type;
}

/** A path that means the same wherever the sensor stands, or a registry key with its hive. */
const ABSOLUTE = /^(\/|[A-Za-z]:\\|\\\\|HK(LM|CU|CR|U|CC|EY_[A-Z_]+)\\)/;
const UPWARD = /(^|[\\/])\.\.([\\/]|$)/;

function requirePlace(id: string, path: string): void {
  if (ABSOLUTE.test(path) && !UPWARD.test(path) && !path.includes('\0')) return;
  throw new Refused(
    `task "${id}", path: give an absolute path without "..", or a registry key with its hive`,
  );
}

function requireRule(rules: Readonly<Record<string, z.ZodType>>, { id, table, params }: TaskOutline): void {
  const schema = Object.hasOwn(rules, table) ? rules[table] : undefined;
  if (schema === undefined) {
    throw new Refused(`task "${id}": there is no table "${table}": ${Object.keys(rules).join(', ')}`);
  }
  const parsed = schema.safeParse(params);
  if (parsed.success) {
    if (table === FIM_TABLE) requirePlace(id, FimRuleParams.parse(params).path);
    return;
  }
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new Refused(`task "${id}", ${where === '' ? 'params' : where}: ${issue?.message ?? 'wrong'}`);
}
