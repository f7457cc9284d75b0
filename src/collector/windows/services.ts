import { z } from 'zod';
import { joinKey } from '../key.ts';
import { listNames } from '../files.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import { flag, int, text, texts } from './fields.ts';
import { readSection, type Batch, type Section } from './powershell.ts';
import { sectionReader } from './reader.ts';

/**
 * What starts by itself: services, Run keys, start-up folders, scheduled tasks.
 * Formats: "HKLM\SYSTEM\CurrentControlSet\Services Registry Tree" (Windows drivers), "Run and RunOnce Registry Keys"
 * (Win32), MSFT_ScheduledTask and its triggers (Task Scheduler CIM provider). The StartupApproved values that Task
 * Manager writes are not documented; seen: an odd first byte means disabled.
 */
const SERVICE: Section<{
  key: string;
  type: number | null;
  start: number | null;
  delayed: number | null;
  display: string | null;
  image: string | null;
  account: string | null;
  dll: string | null;
}> = {
  name: 'service',
  script:
    `$x=(Machine).OpenSubKey('SYSTEM\\CurrentControlSet\\Services');` +
    `foreach($n in $x.GetSubKeyNames()){$k=$x.OpenSubKey($n);if($k -and ($k.GetValue('Type') -band 0x30)){` +
    `$p=$x.OpenSubKey($n+'\\Parameters');$d=$null;if($p){$d=[string]$p.GetValue('ServiceDll')};` +
    `[pscustomobject]@{key=$n;type=$k.GetValue('Type');start=$k.GetValue('Start');` +
    `delayed=$k.GetValue('DelayedAutostart');display=[string]$k.GetValue('DisplayName');` +
    `image=[string]$k.GetValue('ImagePath');account=[string]$k.GetValue('ObjectName');dll=$d}}}`,
  shape: z.object({
    key: z.string(),
    type: int,
    start: int,
    delayed: int,
    display: text,
    image: text,
    account: text,
    dll: text,
  }),
};

const RUN_KEY = 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\';
const WOW_RUN_KEY = RUN_KEY.replace('SOFTWARE\\', 'SOFTWARE\\WOW6432Node\\');
const APPROVED_KEY = `${RUN_KEY}Explorer\\StartupApproved\\`;

/** Characters of one key's names and commands that are read: a user writes into his own as much as he likes. */
const MOST_CHARACTERS = 65_536;
/** Tasks that are read; anybody may make some. */
const MOST_TASKS = 2_000;
/** Actions and triggers of one task; the task scheduler allows 32 and 48. */
const MOST_PARTS = 48;

const RUN: Section<{
  location: string;
  name: string;
  command: string | null;
  user: string | null;
  approved: number | null;
  more: boolean | null;
}> = {
  name: 'run',
  script:
    `function Runs($h,$q,$p,$v,$l,$u){foreach($r in 'Run','RunOnce'){$k=$h.OpenSubKey($p+'${RUN_KEY}'+$r);if($k){` +
    `$w='Run';if($v -eq '32'){$w='Run32'};$a=$q.OpenSubKey($p+'${APPROVED_KEY}'+$w);` +
    `$z=0;foreach($n in $k.GetValueNames()){if($z -gt ${MOST_CHARACTERS}){` +
    `[pscustomobject]@{location=$l+$r;name='';user=$u;approved=$null;command=$null;more=$true};break};` +
    `$b=$null;if($a -and $r -eq 'Run'){$b=$a.GetValue($n)};$f=$null;if($b){$f=[int]$b[0]};` +
    `$c=Cut ($k.GetValue($n,$null,'DoNotExpandEnvironmentNames'));$z+=$n.Length+([string]$c).Length;` +
    `[pscustomobject]@{location=$l+$r;name=$n;user=$u;approved=$f;command=$c;more=$false}}}}};` +
    `foreach($v in Views){$l='HKLM\\${RUN_KEY}';if($v -eq '32' -and @(Views).Count -gt 1){$l='HKLM\\${WOW_RUN_KEY}'};` +
    `Runs (Hive 'LocalMachine' $v) (Machine) '' $v $l $null};` +
    `foreach($s in Sids){Runs (UserHives) (UserHives) ($s+'\\') '64' 'HKCU\\${RUN_KEY}' (NameOf $s)}`,
  shape: z.object({
    location: z.string(),
    name: z.string(),
    command: text,
    user: text,
    approved: int,
    more: flag,
  }),
};

const TASK: Section<{
  name: string;
  folder: string;
  enabled: boolean | null;
  user: string | null;
  commands: string[];
  triggers: string[];
  more: boolean | null;
}> = {
  name: 'task',
  script:
    `$i=0;Get-CimInstance -Namespace 'root/Microsoft/Windows/TaskScheduler' -ClassName 'MSFT_ScheduledTask'|` +
    `Select-Object -First ${MOST_TASKS + 1}|ForEach-Object{$i++;$t=$_;$u=$t.Principal.UserId;if(-not $u){$u=$t.Principal.GroupId};` +
    `$c=@($t.Actions|Select-Object -First ${MOST_PARTS}|ForEach-Object{if($_.Execute){Cut (($_.Execute+' '+$_.Arguments).Trim())}elseif($_.ClassId){'com '+$_.ClassId}});` +
    `$g=@($t.Triggers|Where-Object{$_}|Select-Object -First ${MOST_PARTS}|ForEach-Object{$_.CimClass.CimClassName+'|'+$_.StartBoundary+'|'+$_.Repetition.Interval});` +
    `[pscustomobject]@{name=$t.TaskName;folder=$t.TaskPath;enabled=$t.Settings.Enabled;user=$u;commands=$c;triggers=$g;more=($i -gt ${MOST_TASKS})}}`,
  shape: z.object({
    name: z.string(),
    folder: z.string(),
    enabled: flag,
    user: text,
    commands: texts,
    triggers: texts,
    more: flag,
  }),
};

export const START_BATCH: Batch = [SERVICE, RUN, TASK];

const START_MODES = new Map([
  [0, 'boot'],
  [1, 'system'],
  [2, 'auto'],
  [3, 'manual'],
  [4, 'disabled'],
]);
/** Per-user instances carry a number of the session in their name. */
const USER_INSTANCE = 0x80;

export const services: Reader = sectionReader({
  source: 'registry SYSTEM\\CurrentControlSet\\Services',
  root: 'partly',
  batch: START_BATCH,
  section: SERVICE,
  *rows(found) {
    for (const service of found) {
      if (((service.type ?? 0) & USER_INSTANCE) !== 0) continue;
      const mode = START_MODES.get(service.start ?? -1) ?? null;
      const row = {
        name: service.key,
        manager: 'scm',
        displayName: service.display,
        startMode: mode === 'auto' && service.delayed === 1 ? 'auto delayed' : mode,
        path: service.dll,
        command: service.image,
        user: service.account,
      };
      yield { key: joinKey('scm', service.key), row };
    }
  },
});

const STARTUP = 'Microsoft/Windows/Start Menu/Programs/Startup';

/** Files of a start-up folder; the folder's own settings file is none. */
function* startupFolder(context: ReadContext, folder: string, user: string | null): Generator<KeyedRow> {
  const location = folder.replaceAll('/', '\\');
  for (const name of listNames(context, folder)) {
    if (name.toLowerCase() === 'desktop.ini') continue;
    const row = {
      name,
      kind: 'startup folder',
      location,
      command: `${location}\\${name}`,
      user,
      enabled: null,
    };
    yield { key: joinKey('startup folder', location, name, user), row };
  }
}

export const startupItems: Reader = {
  source: 'registry Run and RunOnce keys, start-up folders',
  root: 'partly',
  async *read(context) {
    yield* startupFolder(context, `C:/ProgramData/${STARTUP}`, null);
    for (const user of listNames(context, 'C:/Users')) {
      yield* startupFolder(context, `C:/Users/${user}/AppData/Roaming/${STARTUP}`, user);
    }
    let cut: string | undefined;
    for (const { location, name, command, user, approved, more } of await readSection(
      context,
      START_BATCH,
      RUN,
    )) {
      if (more === true) {
        cut ??= `${location}${user === null ? '' : ` of ${user}`}`;
        continue;
      }
      const enabled = approved === null ? true : approved % 2 === 0;
      yield {
        key: joinKey('run key', location, name, user),
        row: { name, kind: 'run key', location, command, user, enabled },
      };
    }
    if (cut !== undefined) throw new Unreadable(`more than is read in ${cut}`);
  },
};

/**
 * A trigger in one word and, where it repeats by the clock, its time of day; the full start boundary is left out,
 * since the system moves it on for some tasks of its own.
 */
function triggerText(trigger: string): string {
  const [className = '', boundary = '', interval = ''] = trigger.split('|');
  const kind = className
    .replace(/^MSFT_Task/, '')
    .replace(/Trigger$/, '')
    .toLowerCase();
  const time = /T(\d\d:\d\d)/.exec(boundary)?.[1];
  const byClock = kind === 'daily' || kind === 'weekly';
  return [
    kind === '' ? 'custom' : kind,
    byClock ? time : undefined,
    interval === '' ? undefined : `every ${interval}`,
  ]
    .filter((part) => part !== undefined)
    .join(' ');
}

export const scheduledTasks: Reader = sectionReader({
  source: 'MSFT_ScheduledTask',
  root: 'partly',
  batch: START_BATCH,
  section: TASK,
  *rows(tasks) {
    for (const task of tasks) {
      if (task.more === true) throw new Unreadable(`more than ${String(MOST_TASKS)} tasks`);
      const source = `${task.folder}${task.name}`;
      const row = {
        name: task.name,
        kind: 'task scheduler',
        source,
        schedule: task.triggers.map(triggerText).sort().join('; '),
        command: task.commands.join('; '),
        user: task.user,
        enabled: task.enabled,
      };
      yield { key: joinKey(source, row.schedule, row.user, row.command), row };
    }
  },
});
