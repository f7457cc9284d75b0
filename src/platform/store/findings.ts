import { fromJson, toJson, type Db } from './database.ts';

/** One advisory that applies, or applied, to one package of one host. Times in ms since the epoch. */
export interface Finding {
  readonly agent: string;
  readonly advisory: string;
  /** Source package. */
  readonly package: string;
  readonly status: 'open' | 'fixed' | 'reopened';
  /** Potential: the package is not completely installed, its files may be of either version (R032). */
  readonly certainty: 'confirmed' | 'potential';
  readonly installedVersion: string;
  readonly fixedVersion: string | null;
  readonly severity: string;
  /** 0 to 10, `null` where the advisory gives none. */
  readonly score: number | null;
  readonly cves: readonly string[];
  readonly summary: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly fixedAt: number | null;
}

type FindingRow = Omit<Finding, 'cves'> & { readonly cves: string };

const findingOf = (row: FindingRow): Finding => ({ ...row, cves: fromJson(row.cves) as string[] });

const COLUMNS = `agent, advisory, package, status, certainty, installedVersion, fixedVersion, severity, score, cves,
  summary, firstSeen, lastSeen, fixedAt`;

/** Findings: one record per agent, advisory and package, however often it closes and opens again. */
export function findingStore(db: Db) {
  const list = db.prepare<[string], FindingRow>(
    `SELECT ${COLUMNS} FROM findings WHERE agent = ?
     ORDER BY status = 'fixed', instr('critical high medium low none unknown', severity), score DESC, package, advisory`,
  );
  const put = db.prepare<[FindingRow]>(
    `INSERT INTO findings (${COLUMNS}) VALUES (@agent, @advisory, @package, @status, @certainty, @installedVersion,
       @fixedVersion, @severity, @score, @cves, @summary, @firstSeen, @lastSeen, @fixedAt)
     ON CONFLICT (agent, advisory, package) DO UPDATE SET status = @status, certainty = @certainty,
       installedVersion = @installedVersion, fixedVersion = @fixedVersion, severity = @severity, score = @score,
       cves = @cves, summary = @summary, lastSeen = @lastSeen, fixedAt = @fixedAt`,
  );
  return {
    list: (agent: string): Finding[] => list.all(agent).map(findingOf),
    put: (finding: Finding): void => void put.run({ ...finding, cves: toJson(finding.cves) }),
  };
}
