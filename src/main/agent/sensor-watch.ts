import { dirname } from 'node:path';
import type { EventStream } from '../../shared/host-events.ts';
import { TYPE_OF_STREAM } from '../../shared/modules.ts';
import { cpuSharePct } from '../../shared/profile.ts';
import type { ToSensor } from '../../shared/sensor.ts';
import type { Context } from './context.ts';
import type { Facts } from './facts.ts';

/** What the sensor is told to watch. */
export type Watch = Extract<ToSensor, { kind: 'watch' }>;

/** Whether a stream is watched: its module is active, and the profile has its switch on (R202, R203, R207). */
export function isOn({ activeTypes, profile, uninstalled }: Facts, stream: EventStream): boolean {
  const isEnabled = stream === 'fim' ? profile.fimEnabled : profile.edrEnabled;
  return !uninstalled && isEnabled && activeTypes.includes(TYPE_OF_STREAM[stream]);
}

/** Short text that differs whenever `watchOf` does: made after every event, so without the rules themselves. */
export function watchKey(context: Context): string {
  const facts = context.facts();
  const { profile, types } = facts;
  const manifest = (stream: EventStream): string =>
    isOn(facts, stream) ? String(types[TYPE_OF_STREAM[stream]]?.manifest?.version ?? '') : 'off';
  const share = cpuSharePct(profile, process.platform);
  return [manifest('fim'), manifest('edr'), profile.fimRescanHours, share].join();
}

/**
 * What is to be watched now; `null` where there is nothing: both are off, or no manifest has come yet. What happens in the
 * agent's own directories is no event; its settings are not among them, as nobody should change these unseen.
 */
export function watchOf(context: Context, platform: NodeJS.Platform = process.platform): Watch | null {
  const facts = context.facts();
  const tasksOf = (stream: EventStream) => {
    const tasks = context.tasks.get(TYPE_OF_STREAM[stream]) ?? [];
    return isOn(facts, stream) && tasks.length > 0 ? [...tasks] : null;
  };
  const [fim, edr] = [tasksOf('fim'), tasksOf('edr')];
  if (fim === null && edr === null) return null;
  const { dataDir, runDir, logFile } = context.paths;
  return {
    kind: 'watch',
    fim: fim === null ? null : { tasks: fim, rescanHours: facts.profile.fimRescanHours },
    edr: edr === null ? null : { tasks: edr },
    own: [...new Set([dataDir, runDir, dirname(logFile)])],
    sharePct: cpuSharePct(facts.profile, platform),
  };
}
