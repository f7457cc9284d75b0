import { checkConnection, checkTls } from './check-connection.ts';
import { checkDisk, checkInstallation, checkSettings } from './check-host.ts';
import { checkLog } from './check-log.ts';
import { checkModules } from './check-modules.ts';
import { checkClock, checkConditions, checkQueue, checkRegistration, checkService } from './check-service.ts';
import { sumUp, type Health } from './health.ts';
import type { HealthInput } from './input.ts';

/** Looks at everything there is. Pure: the same input gives the same health. */
export function judge(input: HealthInput): Health {
  return sumUp([
    checkInstallation(input),
    checkSettings(input),
    checkService(input),
    ...checkRegistration(input),
    checkConnection(input),
    checkTls(input),
    checkClock(input),
    checkDisk(input),
    checkLog(input),
    ...checkModules(input),
    checkQueue(input),
    ...checkConditions(input),
  ]);
}
