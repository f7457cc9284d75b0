import { z } from 'zod';
import type { Context } from './context.ts';

/** How far an uninstallation has come; it outlives a crash at any point. */
const Marker = z.enum(['wanted', 'done']);
const MARKER = 'uninstall';

/** What is on the disk of an uninstallation, if there was one. */
export function uninstallState(context: Pick<Context, 'store'>): z.infer<typeof Marker> | undefined {
  return context.store.kv.get(MARKER, Marker);
}

/** Notes durably that the platform removed this agent (R116). */
export function wantUninstall(context: Context): void {
  if (uninstallState(context) === undefined) context.store.kv.set(MARKER, 'wanted');
  context.update({ uninstallWanted: true });
}

/** Notes durably that everything was dropped. */
export function uninstallDone(context: Context): void {
  context.store.kv.set(MARKER, 'done');
}
