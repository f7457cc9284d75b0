import type { EventStream } from '../../shared/host-events.ts';
import type { SensorState } from '../../shared/sensor.ts';
import { SENSOR_STATUS_LIMITS, type SensorStatus, type StreamStatus } from '../../shared/status.ts';
import { toInstant } from '../clock.ts';
import type { Context } from './context.ts';
import type { SensorProcess } from './sensing.ts';
import { isOn } from './sensor-watch.ts';

/** How files and processes are watched, as everyone on the host may know it: never what was seen. */
export function sensorStatus(context: Context, { phase, pid, restarts, state }: SensorProcess): SensorStatus {
  return {
    state: phase,
    pid,
    restarts,
    fim: state === null ? null : fimStatus(state),
    edr: state?.edr ?? null,
    spooled: state?.spooled ?? 0,
    streams: { fim: streamStatus(context, 'fim'), edr: streamStatus(context, 'edr') },
  };
}

function fimStatus({ fim, problems }: SensorState): SensorStatus['fim'] {
  if (fim === null) return null;
  const { rules, mounts, ...rest } = fim;
  const troubles = rules.filter((rule) => rule.state !== 'watching');
  return {
    ...rest,
    rules: rules.length,
    watching: rules.length - troubles.length,
    troubles: troubles.slice(0, SENSOR_STATUS_LIMITS.rules),
    mounts: mounts.slice(0, SENSOR_STATUS_LIMITS.mounts),
    moreMounts: Math.max(0, mounts.length - SENSOR_STATUS_LIMITS.mounts),
    actorReason: problems.find(({ code }) => code === 'FIM_NO_ACTOR')?.text ?? '',
  };
}

function streamStatus(context: Context, stream: EventStream): StreamStatus {
  const facts = context.facts();
  const { records = 0, bytes = 0, limitBytes = 0, dropped = 0 } = context.store.events.stats()[stream] ?? {};
  const { uploadedAt, refused } = facts.streams[stream];
  return {
    on: isOn(facts, stream),
    records,
    bytes,
    limitBytes,
    dropped,
    refused,
    uploadedAt: uploadedAt === null ? null : toInstant(uploadedAt),
  };
}
