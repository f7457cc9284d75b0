import type { Clock, Random } from '../clock.ts';
import type { AgentLog } from '../host/log.ts';
import type { Paths } from '../host/paths.ts';
import type { Settings } from '../host/settings.ts';
import type { StartAgentId } from './agentid-process.ts';
import type { StartCollector } from './collector-process.ts';
import type { DevelopmentIntervals } from './facts.ts';
import type { StartSensor } from './sensor-process.ts';

/** What a host of the core decides: where, with which settings, clock and collector. */
export interface CoreOptions {
  readonly paths: Paths;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: AgentLog;
  readonly startCollector: StartCollector;
  readonly startSensor: StartSensor;
  readonly startAgentId: StartAgentId;
  readonly development: DevelopmentIntervals;
  /**
   * The database turned out damaged while it was in use. The host must end the process: the next start sets the file
   * aside and collects anew.
   */
  readonly fatal: (reason: string) => void;
}
