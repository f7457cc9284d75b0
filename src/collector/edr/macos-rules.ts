import type { Task } from '../../shared/manifest.ts';
import { behindPrivate } from '../fim/macos/private-paths.ts';
import { edrRules, type EdrRules } from './rules.ts';

/** What macOS can follow of the tasks of a manifest, with paths and patterns as Endpoint Security names places. */
export function macosRules(tasks: readonly Task[]): EdrRules {
  const rules = edrRules(tasks);
  return {
    ...rules,
    process: rules.process.map((rule) => ({
      ...rule,
      include: rule.include.map(behindPrivate),
      exclude: rule.exclude.map(behindPrivate),
    })),
    listener: rules.listener.map((rule) => ({ ...rule, exclude: rule.exclude.map(behindPrivate) })),
    dropped: rules.dropped.map((rule) => ({
      ...rule,
      paths: rule.paths.map(behindPrivate),
      exclude: rule.exclude.map(behindPrivate),
    })),
  };
}
