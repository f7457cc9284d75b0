import type { Apply, Context } from './context.ts';
import { fetchManifest, fetchProfile } from './documents.ts';
import { eventsStep, type PayloadBodies } from './events-upload.ts';
import { heartbeat } from './heartbeat.ts';
import { logsStep } from './logs-upload.ts';
import type { UplinkStep } from './plan.ts';
import { provision } from './provisioning.ts';
import { sendRecords } from './records.ts';
import { reprovision } from './reprovision.ts';
import { uninstall } from './uninstall.ts';
import { syncCheck } from './sync-check.ts';
import { uploadStep } from './upload.ts';
import type { UploadProgress } from './upload-progress.ts';

/** What memory holds of the uploads under way. */
export interface Sending {
  readonly upload: UploadProgress;
  readonly payloads: PayloadBodies;
}

/** Carries out one exchange of the plan; what it leads to is returned, to be applied as one event. */
export function perform(step: UplinkStep, context: Context, { upload, payloads }: Sending): Promise<Apply> {
  switch (step.step) {
    case 'provision':
      return provision(context);
    case 'uninstall':
      return uninstall(context);
    case 'reprovision':
      return reprovision(context);
    case 'profile':
      return fetchProfile(context);
    case 'heartbeat':
      return heartbeat(context);
    case 'manifest':
      return fetchManifest(context, step.type);
    case 'upload':
      return uploadStep(context, upload);
    case 'logs':
      return logsStep(context);
    case 'events':
      return eventsStep(context, payloads, step.stream);
    case 'records':
      return sendRecords(context);
    case 'sync-check':
      return syncCheck(context);
  }
}
