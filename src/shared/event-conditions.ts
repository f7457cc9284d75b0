import type { ConditionSpec } from './condition-spec.ts';

/** What can be wrong with the events of files and processes, and with their way to the platform. */
export const EVENT_CONDITIONS = {
  EVENTS_DROPPED: {
    severity: 'warning',
    title: 'Records dropped',
    text: '{count} queued {what} were dropped to stay within the disk limit; the platform is told which. {step}.',
  },
  EVENTS_REFUSED: {
    severity: 'error',
    title: 'Events refused',
    text: 'The platform refused {count} {type} events: {reason}. They are dropped, later ones are still sent; look in the log of the platform for why.',
  },
  SENSOR_DOWN: {
    severity: 'error',
    title: 'Nothing is watched',
    text: 'The process that watches files and processes has ended {times} times in a row: {reason}. It is started again {next}; changes of files meanwhile are found then, processes meanwhile are not.',
  },
  FIM_SILENT: {
    severity: 'error',
    title: 'File events do not arrive',
    text: '{text}. The source is started again and the rules are walked; if this stays, look for "sensor" in the log.',
    dependsOn: ['SENSOR_DOWN'],
  },
  FIM_NO_ACTOR: {
    severity: 'warning',
    title: 'File events name no actor',
    text: '{text}. Changes are reported all the same; for who made them the service has to run as root, on Windows with auditing turned on, on macOS with Full Disk Access.',
    dependsOn: ['SENSOR_DOWN'],
  },
  FIM_INCOMPLETE: {
    severity: 'warning',
    title: 'A part of the rules is not watched',
    text: '{text}. wayfarerctl status lists the rules; correct them on the platform, or what keeps them from being read here.',
    dependsOn: ['SENSOR_DOWN'],
  },
  FIM_OVERFLOW: {
    severity: 'warning',
    title: 'File events were lost',
    text: '{text}. The rules are walked again, so that every change that lasted is reported, without its actor; nothing to do unless it stays.',
    dependsOn: ['SENSOR_DOWN'],
  },
  SPOOL_STOPPED: {
    severity: 'error',
    title: 'The disk takes no events',
    text: '{text}. Free space on the disk of the data directory, or bring back the filesystem that does not answer; it goes on by itself.',
    dependsOn: ['SENSOR_DOWN', 'DISK_FULL'],
  },
  EDR_POLLING: {
    severity: 'warning',
    title: 'Processes are polled',
    text: '{text}. Short-lived processes are missed; run the service as root, outside a container, for all of them.',
    dependsOn: ['SENSOR_DOWN'],
  },
  EDR_LOST: {
    severity: 'warning',
    title: 'Process events were lost',
    text: '{text}. The platform is told how many; nothing to do unless it stays.',
    dependsOn: ['SENSOR_DOWN'],
  },
  EDR_INCOMPLETE: {
    severity: 'warning',
    title: 'A part of process events is not heard',
    text: '{text}. The rest is reported all the same; see "Auditing on Windows" and "Full Disk Access on macOS" in docs/operations.md.',
    dependsOn: ['SENSOR_DOWN'],
  },
} as const satisfies Record<string, ConditionSpec>;
