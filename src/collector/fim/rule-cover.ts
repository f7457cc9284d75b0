import type { FimRule } from '../../shared/file-integrity.ts';

/** What a rule covers, as far as it decides what is in the baseline: a rule that covers something else is a new one there. */
export const coverOf = ({ kind, path, recursive, depth, include, exclude }: FimRule): string =>
  JSON.stringify([kind, path, recursive, depth ?? null, include, exclude]);
