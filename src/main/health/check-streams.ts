import { EVENT_STREAMS, type EventStream } from '../../shared/host-events.ts';
import { TYPE_OF_STREAM } from '../../shared/modules.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { attention, good, type Check } from './health.ts';

/** Whether what is to be watched is, for each module that is reported by events (R207). */
export function checkStreams(status: AgentStatus): Check[] {
  const active = EVENT_STREAMS.filter((stream) => status.types[TYPE_OF_STREAM[stream]] !== undefined);
  return active.map((stream) => checkStream(stream, status));
}

function checkStream(stream: EventStream, { sensor, types, conditions }: AgentStatus): Check {
  const type = TYPE_OF_STREAM[stream];
  const name = `watch ${type}`;
  const { on, records, dropped } = sensor.streams[stream];
  const queue = `${String(records)} events queued, ${String(dropped)} dropped`;
  if (!on) return good(name, `off by the profile; ${queue}`);
  if (types[type]?.manifestVersion === null) {
    const nextStep = 'See on the platform whether the module has a manifest for this host.';
    return attention(name, `no manifest yet; ${queue}`, nextStep);
  }
  const fault = conditions.find(({ code }) => code === 'SENSOR_DOWN' || code.startsWith(`${type}_`));
  if (fault !== undefined) return attention(name, `${fault.title}; ${queue}`, fault.text);
  if (sensor.state !== 'running') {
    return attention(name, `the sensor is ${sensor.state}; ${queue}`, 'See the log for "sensor".');
  }
  const { fim } = sensor;
  const rules =
    stream === 'fim' && fim !== null
      ? `watching ${String(fim.watching)} of ${String(fim.rules)} rules; `
      : '';
  return good(name, `${rules}${queue}`);
}
