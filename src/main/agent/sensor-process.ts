import { FromSensor, type ToSensor } from '../../shared/sensor.ts';
import { ensureDirectory } from '../host/atomic-file.ts';
import { startProcess, type ProcessEvents, type StartProcess } from './process-port.ts';

export type SensorEvents = ProcessEvents<FromSensor>;
export type StartSensor = StartProcess<ToSensor, FromSensor>;

/**
 * Starts the sensor as a child process of the same runtime. `entry` is the absolute path of its main module. `dataDir` is
 * made for it alone, and is its only argument. It starts without root too, and says itself what it can't do then.
 */
export function startSensorProcess(entry: string, dataDir: string, execArgv: readonly string[]): StartSensor {
  return (events) => {
    try {
      ensureDirectory(dataDir, 0o700);
    } catch (error) {
      return notStarted(events, error instanceof Error ? error.message : String(error));
    }
    return startProcess<ToSensor, FromSensor>(
      { entry, argv: [dataDir], execArgv, messages: FromSensor },
      events,
    );
  };
}

/** Says so after the call that wanted it has returned, as a process does. */
function notStarted(events: SensorEvents, reason: string): ReturnType<StartSensor> {
  queueMicrotask(() => {
    events.ended(reason);
  });
  return { pid: null, send: () => undefined, stop: () => Promise.resolve() };
}
