import type { Task } from '../../shared/manifest.ts';
import { behindPrivate } from '../fim/macos/private-paths.ts';
import { edrRules, type EdrRules } from './rules.ts';

/** What no source of macOS tells yet. */
const NOT_HERE = ['listener_events'];

/** What macOS can follow of the tasks of a manifest, with paths and patterns as Endpoint Security names places. */
export function macosRules(tasks: readonly Task[]): EdrRules {
  const rules = edrRules(tasks);
  const missing = tasks.filter(({ table }) => NOT_HERE.includes(table));
  return {
    ...rules,
    process: rules.process.map((rule) => ({
      ...rule,
      include: rule.include.map(behindPrivate),
      exclude: rule.exclude.map(behindPrivate),
    })),
    dropped: rules.dropped.map((rule) => ({
      ...rule,
      paths: rule.paths.map(behindPrivate),
      exclude: rule.exclude.map(behindPrivate),
    })),
    refused: [...rules.refused, ...missing.map(({ id }) => ({ id, reason: 'not there on macOS yet' }))],
  };
}
