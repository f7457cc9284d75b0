import { z } from 'zod';
import { MODULES, moduleConflict } from '../../shared/modules.ts';
import { Refused } from '../errors.ts';

/** Parses what an administrator gave. Throws `Refused` naming the field. */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new Refused(`${where === '' ? 'input' : where}: ${issue?.message ?? 'wrong'}`);
}

export const ModuleList = z.array(z.enum(MODULES)).max(MODULES.length);
export const TagList = z.array(z.string().trim().min(1).max(200)).max(255);

/** A module set in the order of `MODULES`, always with AI (R043). Throws `Refused` when they exclude each other (R045). */
export function moduleSet(modules: readonly string[]): string[] {
  const conflict = moduleConflict(modules);
  if (conflict !== undefined) throw new Refused(conflict);
  return MODULES.filter((module) => module === 'AI' || modules.includes(module));
}
