import { MANIFEST_TYPES } from '../../shared/modules.ts';
import type { Apply, Context } from './context.ts';
import { forgetLogs } from './logs-archive.ts';
import { sendRecords } from './records.ts';
import { uninstallDone } from './uninstall-marker.ts';

/**
 * Leaves the platform: offers what is queued once, so that the command is acknowledged, then drops the data that was
 * collected and goes quiet for good, restarts included. Host ID, customer and activation key stay (R234); program files
 * are the installer's to remove.
 */
export async function uninstall(context: Context): Promise<Apply> {
  const applyRecords = await sendRecords(context);
  return () => {
    applyRecords();
    dropData(context);
  };
}

/** What the agent knew through the platform that removed it, the name under which scanners found this host included. */
const KEYS = [
  'profile',
  'modules',
  'registered',
  'heartbeatCounter',
  'lastSyncCheckAt',
  'correlation',
  'platformIssuer',
];

/** Every step may be done twice: a crash in between repeats them all, until the marker says that they are done. */
function dropData(context: Context): void {
  for (const type of MANIFEST_TYPES) context.forgetType(type);
  for (const key of KEYS) context.store.kv.delete(key);
  forgetLogs(context);
  uninstallDone(context);
  goQuiet(context);
}

/** Nothing is collected or sent any more. */
export function goQuiet(context: Context): void {
  context.log.warn('the platform has removed this agent: nothing is collected or sent any more');
  context.conditions.raise('UNINSTALLED', context.clock.now(), { path: context.paths.dataDir });
  context.update({ uninstalled: true, uninstallWanted: false, provisioned: false, pending: null });
}
