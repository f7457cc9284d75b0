import { live, type Life, type Lived } from '../src/main/agent/testing/simulation.ts';
import { SeededRandom, seedOf } from '../test/support/random.ts';

/*
 * A year in the life of an agent: the real core, plan, schedule and store, with doubles of platform, collector and clock.
 * What must not happen is checked against clocks on the wall that ICU keeps. `WAYFARER_SEED` repeats a run,
 * `WAYFARER_YEAR_DAYS` shortens it.
 */

const DAYS = Number(process.env['WAYFARER_YEAR_DAYS'] ?? '365');
const WEEKDAYS = [1, 2, 3, 4, 5];
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];

const LIVES: Readonly<Record<string, Omit<Life, 'random' | 'days'>>> = {
  'office: working hours are a blackout, delay 10, randomise 30': {
    profile: {
      blackoutWindows: [{ days: WEEKDAYS, start: '08:00', end: '18:00' }],
      scanDelayMin: 10,
      scanRandomizeMin: 30,
      statusIntervalSec: 2700,
    },
    modules: ['AI', 'VM', 'PC'],
    zones: ['Europe/Berlin'],
    travelsEvery: 365,
    sleeps: false,
    changes: 1,
    demands: 0.5,
    losses: 1,
  },
  'traveller: another zone every three weeks, sleeps at night, two overlapping blackouts': {
    profile: {
      blackoutWindows: [
        { days: EVERY_DAY, start: '22:30', end: '05:15' },
        { days: [6, 7], start: '04:00', end: '11:00' },
      ],
      statusIntervalSec: 2700,
    },
    modules: ['AI', 'VM'],
    zones: ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Asia/Kolkata'],
    travelsEvery: 21,
    sleeps: true,
    changes: 2,
    demands: 1,
    losses: 4,
  },
  'quiet: no scans at noon, no uploads in the morning, SCA': {
    profile: {
      reducedActivity: [
        { days: EVERY_DAY, start: '12:00', end: '13:00', modules: [], holds: ['collection'] },
        { days: WEEKDAYS, start: '08:00', end: '10:00', modules: ['VM'], holds: ['transmission'] },
      ],
      vmIntervalMin: 720,
      scaIntervalMin: 1440,
      statusIntervalSec: 2700,
    },
    modules: ['AI', 'VM', 'SCA'],
    zones: ['America/Santiago'],
    travelsEvery: 365,
    sleeps: false,
    changes: 0.5,
    demands: 0.2,
    losses: 0,
  },
};

interface Row extends Lived {
  readonly name: string;
  readonly cpuSeconds: number;
}

async function measured(name: string, life: Omit<Life, 'random' | 'days'>, seed: number): Promise<Row> {
  const random = new SeededRandom(seed);
  const before = process.cpuUsage();
  const lived = await live({ ...life, days: DAYS, random: () => random.next() });
  const { user, system } = process.cpuUsage(before);
  return { ...lived, name, cpuSeconds: (user + system) / 1e6 };
}

function print(rows: readonly Row[]): void {
  const columns: readonly (readonly [string, (row: Row) => string | number])[] = [
    ['life', (row) => row.name],
    ['heartbeats', (row) => row.heartbeats],
    ['scans', (row) => Object.values(row.scans).reduce((sum, count) => sum + count, 0)],
    ['of Inventory / VM', (row) => `${row.scans['Inventory'] ?? 0} / ${row.scans['Vulnerability'] ?? 0}`],
    ['on demand, refused', (row) => `${row.accepted}, ${row.refused}`],
    ['uploads committed', (row) => row.deltas],
    ['hours of blackout', (row) => row.blackoutHours],
    ['longest silence outside, min', (row) => row.longestSilenceMin],
    ['violations', (row) => row.violations.length],
    ['CPU, s', (row) => row.cpuSeconds.toFixed(1)],
  ];
  console.log(`| ${columns.map(([title]) => title).join(' | ')} |`);
  console.log(`|${' --- |'.repeat(columns.length)}`);
  for (const row of rows) console.log(`| ${columns.map(([, cell]) => cell(row)).join(' | ')} |`);
}

const seed = seedOf(process.env);
console.log(`${DAYS} days, seed ${seed}`);
const rows: Row[] = [];
for (const [name, life] of Object.entries(LIVES)) rows.push(await measured(name, life, seed));
print(rows);
for (const { name, violations } of rows) {
  for (const violation of violations.slice(0, 10)) console.error(`${name}: ${violation}`);
}
process.exitCode = rows.some(({ violations }) => violations.length > 0) ? 1 : 0;
