import cvss from 'ae-cvss-calculator';
import type { OsvAffected, OsvRecord } from './osv.ts';

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'none', 'unknown'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Rating {
  readonly severity: Severity;
  /** CVSS base score 0–10; `null` when only a word or nothing is given. */
  readonly score: number | null;
}

/** The words advisories use for a severity; Debian's upload urgencies among them. */
const WORDS: Readonly<Record<string, Severity>> = {
  critical: 'critical',
  emergency: 'critical',
  high: 'high',
  important: 'high',
  medium: 'medium',
  moderate: 'medium',
  low: 'low',
  unimportant: 'low',
  negligible: 'low',
  none: 'none',
};

/** The calculator of a vector, by its prefix; version 2 has none. */
function calculatorOf(vector: string) {
  if (vector.startsWith('CVSS:4.0/')) return new cvss.Cvss4P0(vector);
  if (vector.startsWith('CVSS:3.1/')) return new cvss.Cvss3P1(vector);
  if (vector.startsWith('CVSS:3.0/')) return new cvss.Cvss3P0(vector);
  return new cvss.Cvss2(vector);
}

/** Base score of a CVSS vector of version 2, 3.0, 3.1 or 4.0; `undefined` when it is none of these. */
export function cvssScore(vector: string): number | undefined {
  try {
    const { base } = calculatorOf(vector).calculateScores();
    return base !== undefined && Number.isFinite(base) ? base : undefined;
  } catch {
    return undefined;
  }
}

/** Qualitative rating of a score (CVSS v3.1, section 5). */
export function severityOf(score: number): Severity {
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'none';
}

/**
 * Rating of an advisory for one package: the highest CVSS score of the package's own severities, else of the
 * record's, else the word in `database_specific.severity` or `.urgency`.
 */
export function ratingOf(record: OsvRecord, affected: OsvAffected): Rating {
  for (const severities of [affected.severity ?? [], record.severity]) {
    const scores = severities.map((entry) => cvssScore(entry.score)).filter((score) => score !== undefined);
    if (scores.length > 0) {
      const score = Math.max(...scores);
      return { severity: severityOf(score), score };
    }
  }
  const { severity, urgency } = record.database_specific;
  const word = [severity, urgency].find((value) => typeof value === 'string') ?? '';
  return { severity: WORDS[word.toLowerCase()] ?? 'unknown', score: null };
}
