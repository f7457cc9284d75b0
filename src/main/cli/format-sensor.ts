import type { AgentStatus, SensorStatus, StreamStatus } from '../../shared/status.ts';
import { ago, ahead, bytes } from './units.ts';

type Row = readonly [string, string];

/** How files and processes are watched, as rows of the status; none while that is off and nothing is left of it. */
export function sensorRows({ sensor }: Pick<AgentStatus, 'sensor'>, now: Date): Row[] {
  const { fim, edr, streams, spooled } = sensor;
  const isIdle = sensor.state === 'off' && streams.fim.records + streams.edr.records === 0;
  if (isIdle) return [];
  return [
    ['Sensor', stateText(sensor)],
    ...(fim === null ? [] : fimRows(fim, now)),
    ...(edr === null
      ? []
      : [
          [
            'Processes',
            `${edr.method}, ${edr.eventsLastHour} events in the last hour, ${edr.lost} lost`,
          ] as const,
        ]),
    ...streamRow('FIM events', streams.fim, now),
    ...streamRow('EDR events', streams.edr, now),
    ...(spooled === 0 ? [] : [['Not queued yet', `${spooled} events`] as const]),
  ];
}

function stateText({ state, pid, restarts }: SensorStatus): string {
  const process = pid === null ? '' : `, process ${pid}`;
  return `${state}${process}${restarts === 0 ? '' : `, started again ${restarts} times`}`;
}

function fimRows(fim: NonNullable<SensorStatus['fim']>, now: Date): Row[] {
  const { baseline, mounts, troubles, moreMounts } = fim;
  const complete = baseline.state === 'complete' ? `, complete ${ago(baseline.completedAt, now)}` : '';
  const walk = baseline.nextRescanAt === null ? '' : `, next walk ${ahead(baseline.nextRescanAt, now)}`;
  const lost = fim.overflows === 0 ? 'none lost' : `lost ${fim.overflows} times`;
  const more = fim.rules - fim.watching - troubles.length;
  return [
    ['Rules', `watching ${fim.watching} of ${fim.rules} rules`],
    ...troubles.map(({ id, path, state, reason }): Row => [
      '',
      `${id} (${path}): ${state}${reason === undefined ? '' : `, ${reason}`}`,
    ]),
    ...(more > 0 ? [['', `and ${more} more`] as const] : []),
    ...mounts.map(({ mount, filesystem, method, note }, at): Row => [
      at === 0 ? 'Filesystems' : '',
      `${mount} (${filesystem}): ${method}${note === undefined ? '' : `, ${note}`}`,
    ]),
    ...(moreMounts > 0 ? [['', `and ${moreMounts} more`] as const] : []),
    ['Baseline', `${baseline.state}, ${baseline.entries} entries${complete}${walk}`],
    ['Files', `${fim.eventsLastHour} events in the last hour, ${lost}`],
    ['Actor', fim.actor === 'known' ? 'known' : `unknown: ${fim.actorReason || 'the source does not tell'}`],
  ];
}

function streamRow(name: string, stream: StreamStatus, now: Date): Row[] {
  const { on, records, limitBytes, dropped, refused, uploadedAt } = stream;
  if (!on && records === 0) return [];
  const queued = `${records} queued, ${bytes(stream.bytes)} of ${bytes(limitBytes)}`;
  const losses = `${dropped} dropped${refused === 0 ? '' : `, ${refused} refused`}`;
  return [[name, `${on ? '' : 'off, '}${queued}, ${losses}, uploaded ${ago(uploadedAt, now)}`]];
}
