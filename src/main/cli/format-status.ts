import type { RouteAttempt } from '../../shared/proxy.ts';
import type { ScanOrigin } from '../../shared/scan.ts';
import type { AgentStatus, BusyStatus, TypeStatus } from '../../shared/status.ts';
import { ago, ahead, bytes, duration } from './units.ts';
import { sensorRows } from './format-sensor.ts';
import { harmless } from './harmless.ts';

/**
 * The status as people read it in a terminal: identity, phase, what is wrong, per manifest, times, queue. Names and
 * reasons in it come from a platform or a network: what would steer the terminal is shown as `?`.
 */
export function formatStatus(status: AgentStatus, now: Date): string {
  const { identity, platform, profile } = status;
  const lines = [
    `Wayfarer agent ${status.agentVersion}, process ${status.pid}`,
    `  ${says(status.sentence, status.phase) ? '' : `${status.phase}: `}${status.sentence}`,
    ...(status.busy === null ? [] : [`  Busy: ${busyText(status.busy, now)}`]),
    '',
    ...status.conditions.flatMap((condition) => [
      `${condition.severity === 'info' ? 'note' : condition.severity}: ${condition.title} (${condition.code})`,
      `  ${condition.text}`,
      '',
    ]),
    ...table([
      ['Host ID', identity.hostId ?? `none yet (${identity.hostIdPath})`],
      ['Host', identity.hostname],
      ['Activation', identity.activationTitle ?? identity.activationId ?? 'none'],
      ...(identity.tags.length === 0 ? [] : [['Tags', identity.tags.join(', ')] as const]),
      ['Platform', platform.uri === null ? 'none' : `${platform.uri}, ${platform.route}`],
      ...routeRows(status),
      ['Platform key', platform.keyId === null ? 'not pinned yet' : `${platform.keyId} (${platform.pinned})`],
      ...(platform.clockOffsetSec === 0
        ? []
        : [['Clock', `corrected by ${platform.clockOffsetSec} s for the platform`] as const]),
      ['Agent key', `${identity.agentKeyId ?? 'none'}, kept in a ${identity.secretStore}`],
      [
        'Profile',
        [
          profile.name,
          `version ${profile.version}`,
          ...(profile.suspended ? ['collection suspended'] : []),
          ...(profile.updatesPrevented ? ['updates of the agent prevented'] : []),
        ].join(', '),
      ],
      ...quietRows(status, now),
      ['Modules', status.modules.join(', ')],
      ['Last check-in', ago(status.lastCheckIn, now)],
      status.nextProvisioning === null
        ? ['Next check-in', ahead(status.nextCheckIn, now)]
        : ['Next attempt', ahead(status.nextProvisioning, now)],
      [
        'Last activity',
        status.lastActivity === null
          ? 'none'
          : `${status.lastActivity.name}, ${ago(status.lastActivity.at, now)}`,
      ],
      ['Pending upload', pendingText(status)],
      [
        'Queue',
        `${count(status.queue.records, 'record')}, ${bytes(status.queue.bytes)}, ${status.queue.dropped} dropped`,
      ],
      [
        'Collector',
        `${status.collector.state}${status.collector.pid === null ? '' : `, process ${status.collector.pid}`}`,
      ],
      ...sensorRows(status, now),
      ['Log', logText(status)],
      ...(status.development === null ? [] : [['Development', status.development] as const]),
    ]),
    '',
    ...typeLines(status, now),
  ];
  return `${lines.map(harmless).join('\n')}\n`;
}

/** Why a collection began, to a person. */
const REASONS: Readonly<Record<string, string>> = {
  interval: 'its interval has passed',
  manifest: 'its manifest is new',
  change: 'something on the host changed',
  resync: 'agent and platform synchronise again',
  request: 'a cycle was asked for',
  demand: 'it was asked for',
  retry: 'the last attempt failed',
  refused: 'the platform refused the last upload',
};
const ORIGINS: Readonly<Record<ScanOrigin, string>> = {
  user: 'asked for by a user',
  administrator: 'asked for by an administrator',
  platform: 'asked for by the platform',
  ScanOnDemand: 'asked for by ScanOnDemand',
  ScanOnStartup: 'asked for by ScanOnStartup',
};

function busyText(busy: BusyStatus, now: Date): string {
  const { type, reason, origin, since, tasksDone, tasks, sharePct, cpuMs, pausedBecause } = busy;
  const lasts = duration(Math.max(0, Math.round((now.getTime() - Date.parse(since)) / 1000)));
  const why = origin === null ? (REASONS[reason] ?? reason) : ORIGINS[origin];
  const rests = pausedBecause === null ? '' : `, paused: ${pausedBecause}`;
  const cost = `at most ${sharePct} % of a core, ${(cpuMs / 1000).toFixed(1)} s CPU so far`;
  return `collecting ${type} since ${lasts} (${why}), ${tasksDone} of ${count(tasks, 'task')}, ${cost}${rests}`;
}

const says = (sentence: string, phase: string): boolean => sentence.toLowerCase().startsWith(phase);

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function typeLines(status: AgentStatus, now: Date): string[] {
  const types = Object.entries(status.types);
  const row = ([type, facts]: [string, TypeStatus]): string[] => [
    type,
    facts.manifestVersion === null ? 'no manifest' : `v${facts.manifestVersion}`,
    String(facts.rows),
    String(facts.seq),
    facts.root?.slice(0, 8) ?? '-',
    ago(facts.uploadedAt, now),
    ahead(facts.nextDueAt, now),
  ];
  return columns(
    [['Manifest', 'version', 'rows', 'seq', 'root', 'uploaded', 'next'], ...types.map(row)],
    [2, 3],
  );
}

/** What is worth a row of the network and the ways through it: whatever is not as everybody takes it for granted. */
function routeRows({ platform, network, scanMerge }: AgentStatus): (readonly [string, string])[] {
  const ways = platform.routes.filter(({ ok, proxy }) => !ok || proxy !== null);
  return [
    ...ways.map((way, at): readonly [string, string] => [at === 0 ? 'Routes' : '', routeText(way)]),
    ...(network.online ? [] : [['Network', 'no interface is up'] as const]),
    ...(network.metered ? [['Network', 'metered: large uploads wait'] as const] : []),
    ...(scanMerge.state === 'off'
      ? []
      : [['Scan merge', `${scanMerge.state}${scanMerge.ports.map((port) => ` ${port}`).join('')}`] as const]),
  ];
}

/** Blackout windows and reduced-activity periods, where the profile has some that matter now or later. */
function quietRows({ blackout, reduced }: AgentStatus, now: Date): (readonly [string, string])[] {
  const { until, next } = blackout;
  const window =
    until !== null
      ? `nothing is sent; over ${ahead(until, now)}`
      : next === null
        ? ''
        : `next ${ahead(next, now)}`;
  const held = (what: string, types: readonly string[]): string[] =>
    types.length === 0 ? [] : [`no ${what} of ${types.join(', ')}`];
  const periods = [
    ...held('scheduled scan', reduced.noCollection),
    ...held('upload', reduced.noTransmission),
  ].join('; ');
  return [
    ...(window === '' ? [] : [['Blackout', window] as const]),
    ...(periods === ''
      ? []
      : [['Reduced activity', `${periods}; changes ${ahead(reduced.until, now)}`] as const]),
  ];
}

function routeText({ route, proxy, source, result }: RouteAttempt): string {
  return `${route}${proxy === null ? '' : ` ${proxy} (${source ?? 'unknown'})`}: ${result}`;
}

function logText({ log }: AgentStatus): string {
  return `${log.path}, level ${log.level}${log.until === null ? '' : ` until ${log.until}`}`;
}

function pendingText({ pendingUpload }: AgentStatus): string {
  if (pendingUpload === null) return 'none';
  const { type, kind, chunksSent, chunkCount, encodedBytes } = pendingUpload;
  return `${type} ${kind}, ${chunksSent} of ${chunkCount} chunks, ${bytes(encodedBytes)}`;
}

function table(rows: readonly (readonly [string, string] | readonly string[])[]): string[] {
  return columns(rows.map((row) => [...row]));
}

/** Cells padded to the width of their column. Counts stand at the right edge of theirs, so that they compare. */
export function columns(rows: readonly string[][], counts: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => padded(cell, widths[at] ?? 0, counts.includes(at), at === row.length - 1))
      .join('  ')
      .trimEnd(),
  );
}

/** Text stands at the left, the last one as it is. */
function padded(cell: string, width: number, isCount: boolean, isLast: boolean): string {
  if (isCount) return cell.padStart(width);
  return isLast ? cell : cell.padEnd(width);
}
