import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { encodeHostText } from '../../../src/collector/text.ts';
import { replay } from '../../support/replay.ts';
import { SensorProcess } from '../../support/sensor-process.ts';
import { until } from '../../support/until.ts';

const ROOT = 'C:\\watched';
const DATA = 'C:\\data';
const RULE = { id: 'rule', table: 'file_integrity', params: { kind: 'directory', path: ROOT } };
/** Longer than MAX_PATH of Windows, which is 260 characters, in two names. */
const LONG = `${ROOT}\\${'long'.repeat(40)}\\${'name'.repeat(40)}`;

type Listing = Map<string, string>;

/** Path and SHA-256 of every file below the folder, `dir` for folders, without help of what is tested. */
function listing(folder = ROOT, found: Listing = new Map<string, string>()): Listing {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}\\${entry.name}`;
    const content = entry.isDirectory()
      ? 'dir'
      : createHash('sha256').update(readFileSync(path)).digest('hex');
    found.set(encodeHostText(path, 'win32'), content);
    if (entry.isDirectory()) listing(path, found);
  }
  return found;
}

function changeWhileWatched(): void {
  writeFileSync(`${ROOT}\\new.txt`, 'new');
  appendFileSync(`${ROOT}\\Kept\\file.txt`, ' and more');
  renameSync(`${ROOT}\\renamed.txt`, `${ROOT}\\Renamed äöü ☃ 𝄞.txt`);
  rmSync(`${ROOT}\\Removed`, { recursive: true });
  renameSync(`${ROOT}\\Moved`, `${ROOT}\\Kept\\Moved`);
  mkdirSync(LONG, { recursive: true });
  writeFileSync(`${LONG}\\file`, 'long');
  writeFileSync(`${ROOT}\\saved.tmp`, 'second');
  renameSync(`${ROOT}\\saved.tmp`, `${ROOT}\\saved.txt`);
}

function changeWhileNobodyWatches(): void {
  writeFileSync(`${ROOT}\\new.txt`, 'newer');
  rmSync(LONG, { recursive: true });
  renameSync(`${ROOT}\\Kept`, `${ROOT}\\Other`);
  writeFileSync(`${ROOT}\\saved.txt`, 'third');
  writeFileSync(`${ROOT}\\late.txt`, 'late');
}

function fill(): void {
  for (const folder of ['Kept', 'Moved\\Below', 'Removed'])
    mkdirSync(`${ROOT}\\${folder}`, { recursive: true });
  const files = ['Kept\\file.txt', 'renamed.txt', 'saved.txt', 'Moved\\Below\\a', 'Removed\\b'];
  for (const file of files) writeFileSync(`${ROOT}\\${file}`, file);
}

/** What the sensor told until that accounted for every difference to a listing; without what one before it told as well. */
async function accounted(sensor: SensorProcess, before: Listing, earlier?: SensorProcess): Promise<unknown> {
  const known = new Set(earlier?.fim.map(({ event }) => event.id));
  const after = [...listing()].sort();
  const { events, impossible } = await until('events account for what changed', () => {
    const told = sensor.fim.filter(
      ({ event, file }) => !known.has(event.id) && file.path !== encodeHostText(ROOT, 'win32'),
    );
    const reached = replay(before, told, ({ type, hash }) => (type === 'dir' ? 'dir' : (hash?.sha256 ?? '')));
    const now = JSON.stringify([...reached.listing].sort());
    if (now === JSON.stringify(after)) return { events: told, impossible: reached.impossible };
    throw new Error(`${now} is not ${JSON.stringify(after)}`);
  });
  return {
    told: events.map(({ event, file }) => `${event.action} ${file.path.slice(ROOT.length + 1)}`),
    impossible,
    detected: [...new Set(events.map(({ wayfarer }) => wayfarer.detected))],
    faults: sensor.faults,
  };
}

/** Changes a watched folder while the sensor runs, and after it was killed. */
export async function work(): Promise<unknown> {
  mkdirSync(ROOT);
  mkdirSync(DATA);
  fill();
  const before = listing();
  const sensor = await SensorProcess.start({ dataDir: DATA, fim: [RULE] });
  changeWhileWatched();
  const live = await accounted(sensor, before);
  const { state } = sensor;
  await sensor.kill();
  const between = listing();
  changeWhileNobodyWatches();
  const again = await SensorProcess.start({ dataDir: DATA, fim: [RULE] });
  const late = await accounted(again, between, sensor);
  await again.stop();
  return { state, live, late };
}
