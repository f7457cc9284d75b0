import { FromCollector, type ToCollector } from '../../shared/collector.ts';
import { startProcess, type ProcessEvents, type StartProcess } from './process-port.ts';

export type CollectorEvents = ProcessEvents<FromCollector>;
export type StartCollector = StartProcess<ToCollector, FromCollector>;

/** Starts the collector as a child process of the same runtime. `entry` is the absolute path of its main module. */
export function startCollectorProcess(entry: string, execArgv: readonly string[]): StartCollector {
  return (events) => startProcess({ entry, argv: [], execArgv, messages: FromCollector }, events);
}
