import type { Finding } from '../store/findings.ts';
import type { Match } from './match.ts';

const keyOf = (one: { readonly advisory: string; readonly package: string }): string =>
  `${one.advisory}\0${one.package}`;

/**
 * What becomes of an agent's findings when these advisories match now: new ones open, missing ones close, closed
 * ones that match again reopen in the same record. Returns only the records that are to be written. Pure.
 * `now` in ms.
 */
export function reconcile(
  agent: string,
  before: readonly Finding[],
  matches: readonly Match[],
  now: number,
): Finding[] {
  const known = new Map(before.map((finding) => [keyOf(finding), finding]));
  const written = new Map<string, Finding>();
  for (const match of matches) {
    const finding = opened(agent, known.get(keyOf(match)), match, now);
    written.set(keyOf(match), finding);
  }
  for (const finding of before) {
    if (written.has(keyOf(finding)) || finding.status === 'fixed') continue;
    written.set(keyOf(finding), { ...finding, status: 'fixed', fixedAt: now });
  }
  return [...written.values()];
}

function opened(agent: string, before: Finding | undefined, match: Match, now: number): Finding {
  const status = before === undefined ? 'open' : before.status === 'fixed' ? 'reopened' : before.status;
  return { ...match, agent, status, firstSeen: before?.firstSeen ?? now, lastSeen: now, fixedAt: null };
}
