import { lstatHost } from '../files.ts';
import { joinKey } from '../key.ts';
import { redact } from './redact.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { namesIn, textOf } from './tolerant.ts';
import { units, type Unit } from './unit-files.ts';

const SUFFIX = '.service';

/** Run levels in which a service is wanted (LSB, "Run Levels"). */
const RUN_LEVELS = [2, 3, 4, 5];

const EXECUTABLE = 0o111;

function unitRow(unit: Unit): KeyedRow {
  const last = (key: string): string | null => unit.settings.get(key)?.at(-1) ?? null;
  const name = unit.name.slice(0, -SUFFIX.length);
  const command = last('Service.ExecStart');
  return {
    key: joinKey('systemd', name),
    row: {
      name,
      manager: 'systemd',
      displayName: last('Unit.Description'),
      startMode: unit.state,
      path: unit.path,
      command: command === null ? null : redact(command),
      user: last('Service.User'),
    },
  };
}

/** Names that a start link of a usual run level starts: S20name. */
function sysvEnabled(context: ReadContext): Set<string> {
  const links = RUN_LEVELS.flatMap((level) => namesIn(context, `/etc/rc${level}.d`));
  return new Set(links.map((name) => /^S\d\d(.+)$/.exec(name)?.[1]).filter((name) => name !== undefined));
}

/** Init scripts that no unit replaces. */
function* sysvRows(context: ReadContext, replaced: ReadonlySet<string>): Generator<KeyedRow> {
  const enabled = sysvEnabled(context);
  for (const name of namesIn(context, '/etc/init.d')) {
    const path = `/etc/init.d/${name}`;
    const stat = lstatHost(context, path);
    if (replaced.has(`${name}${SUFFIX}`) || stat?.isFile() !== true || (stat.mode & EXECUTABLE) === 0)
      continue;
    const description = /^#\s*Short-Description:\s*(.+?)\s*$/m.exec(textOf(context, path) ?? '')?.[1];
    const row = {
      name,
      manager: 'sysv',
      displayName: description ?? null,
      startMode: enabled.has(name) ? 'enabled' : 'disabled',
      path,
      command: path,
      user: null,
    };
    yield { key: joinKey('sysv', name), row };
  }
}

async function* readServices(context: ReadContext): AsyncGenerator<KeyedRow> {
  const names = new Set<string>();
  for (const unit of units(context, SUFFIX)) {
    names.add(unit.name);
    yield unitRow(unit);
    await context.breathe();
  }
  yield* sysvRows(context, names);
}

export const servicesLinux: Reader = {
  source: 'unit files of systemd with their drop-ins and links, /etc/init.d',
  root: 'no',
  read: readServices,
};
