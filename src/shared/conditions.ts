import type { ConditionSpec } from './condition-spec.ts';
import { EVENT_CONDITIONS } from './event-conditions.ts';

/**
 * Everything that can be wrong with an agent, in one list. Tray, window, command line and heartbeat read it; sources
 * raise and clear their own code. Texts name the cause and the next step; `{name}` is replaced by a value.
 */
export const CONDITIONS = {
  NOT_CONFIGURED: {
    severity: 'error',
    title: 'Not configured',
    text: 'Missing: {missing}. Set it in {file}, or pass it when the agent is installed.',
    stopsUploads: true,
    dependsOn: ['SETTINGS_UNSAFE'],
  },
  CONFIG_INVALID: {
    severity: 'error',
    title: 'A setting is not valid',
    text: '{setting}: {reason}. Correct it in {file}.',
    stopsUploads: true,
  },
  SETTINGS_UNSAFE: {
    severity: 'error',
    title: 'The settings are not read',
    text: '{file} {reason}. Whoever writes it says which platform is obeyed. Look through it, run {remedy} and restart the service.',
    stopsUploads: true,
  },
  CONFIG_IGNORED: {
    severity: 'warning',
    title: 'A setting is ignored',
    text: '{setting}: {reason}. The agent goes on without it; correct it in {file}.',
  },
  HOST_ID_INVALID: {
    severity: 'error',
    title: 'Host ID cannot be read',
    text: '{file} does not hold a UUID. Restore it, or delete it so that a new Host ID is made.',
    stopsUploads: true,
  },
  KEY_UNKNOWN: {
    severity: 'error',
    title: 'Activation key unknown',
    text: 'The platform does not know the activation key {activationId}. Check ActivationId; next attempt {next}.',
    stopsUploads: true,
  },
  KEY_EXPIRED: {
    severity: 'error',
    title: 'Activation key expired',
    text: 'The activation key {activationId} has expired. Extend it on the platform or use another; next attempt {next}.',
    stopsUploads: true,
  },
  KEY_EXHAUSTED: {
    severity: 'error',
    title: 'Activation key used up',
    text: 'The activation key {activationId} has no registrations left. Raise its limit on the platform or use another; next attempt {next}.',
    stopsUploads: true,
  },
  CUSTOMER_UNKNOWN: {
    severity: 'error',
    title: 'Customer unknown',
    text: 'The platform does not know the customer {customerId}. Check CustomerId; next attempt {next}.',
    stopsUploads: true,
  },
  AGENT_ID_IN_USE: {
    severity: 'warning',
    title: 'Host ID in use by another host',
    text: 'Another live host has this Host ID, so a new one is proposed; next attempt {next}.',
    stopsUploads: true,
  },
  PROVISIONING_FAILED: {
    severity: 'error',
    title: 'Provisioning refused',
    text: 'The platform refused to register this host: {reason}. Next attempt {next}.',
    stopsUploads: true,
  },
  PLATFORM_UNREACHABLE: {
    severity: 'warning',
    title: 'Platform not reachable',
    text: '{platform} did not answer: {reason}. {step}; next attempt {next}.',
    stopsUploads: true,
    showAfterSec: 30,
    dependsOn: ['NO_NETWORK'],
  },
  PLATFORM_TLS: {
    severity: 'error',
    title: 'Platform certificate not trusted',
    text: '{platform} shows a certificate that does not verify: {reason}. {step}.',
    stopsUploads: true,
  },
  PLATFORM_REPLY_INVALID: {
    severity: 'error',
    title: 'Reply of the platform refused',
    text: 'A reply did not verify against the pinned platform key: {reason}. Nothing in it was obeyed. If the platform was replaced, an administrator must set PlatformKey.',
    stopsUploads: true,
    dependsOn: ['PLATFORM_KEY_MISMATCH'],
  },
  PLATFORM_KEY_MISMATCH: {
    severity: 'error',
    title: 'Another platform key',
    text: 'The platform signs with {given}, but {pinned} is pinned. If the platform was replaced, an administrator must set PlatformKey.',
    stopsUploads: true,
  },
  CLOCK_SKEW: {
    severity: 'warning',
    title: 'Clock is wrong',
    text: 'The clock of this host differs from the platform by {seconds} s. Set it; until then the agent corrects for it.',
  },
  PLATFORM_ERROR: {
    severity: 'warning',
    title: 'Platform has trouble',
    text: 'The platform answered {reason}. Everything is kept; next attempt {next}.',
    stopsUploads: true,
    showAfterSec: 30,
  },
  NO_NETWORK: {
    severity: 'info',
    title: 'No network',
    text: 'No network interface is up. Everything collected is kept and sent once there is a network.',
    showAfterSec: 30,
  },
  NETWORK_UNSTABLE: {
    severity: 'warning',
    title: 'Network keeps changing',
    text: 'The network changed {count} times within {seconds} s. The agent follows it at most every {pause} s; check the adapter or the access point.',
  },
  CAPTIVE_PORTAL: {
    severity: 'warning',
    title: 'A sign-in page stands before the network',
    text: '{evidence}. Open a browser and sign in to this network; next attempt {next}.',
    stopsUploads: true,
  },
  CAPTIVE_PORTAL_SUSPECTED: {
    severity: 'warning',
    title: 'Perhaps a sign-in page stands before the network',
    text: '{evidence}. Open a browser and see whether this network asks to sign in, or check WebServiceUri; next attempt {next}.',
    stopsUploads: true,
  },
  METERED_WAIT: {
    severity: 'info',
    title: 'Upload waits for an unmetered network',
    text: 'The {type} upload of {size} MB is above the limit of {limit} MB on a metered network and waits for another one. MeteredUploadLimitMb in {file} sets the limit.',
  },
  PROXY_INVALID: {
    severity: 'warning',
    title: 'A proxy setting is not valid',
    text: '{setting} in {source}: {reason}. Correct it there or with wayfarerctl proxy.',
  },
  PROXY_FAILED: {
    severity: 'warning',
    title: 'A proxy does not work',
    text: '{proxy} ({source}): {reason}. The agent reached the platform via {route}. Mend the proxy, or change the list with wayfarerctl proxy.',
    showAfterSec: 30,
  },
  PROXY_AUTHENTICATION: {
    severity: 'error',
    title: 'A proxy refuses the credentials',
    text: '{proxy} ({source}) answers 407, it offers {schemes}: {reason}. Set user and password with wayfarerctl proxy credentials.',
  },
  LOG_UNWRITABLE: {
    severity: 'warning',
    title: 'The log cannot be written',
    text: '{path}: {reason}. Free space or correct the rights of its directory; the agent goes on and tries again with every line.',
  },
  SCAN_MERGE: {
    severity: 'warning',
    title: 'Correlation identifier is not offered',
    text: 'Scanners cannot read the correlation identifier of this host: {reason}. Next: {next}.',
  },
  PROFILE_INVALID: {
    severity: 'error',
    title: 'Configuration profile refused',
    text: 'The profile of the platform was refused: {reason}. The last good one stays in force.',
  },
  PROFILE_CLAMPED: {
    severity: 'warning',
    title: 'Profile values out of range',
    text: 'The profile holds values out of range, the nearest allowed ones are used: {values}.',
  },
  MANIFEST_INVALID: {
    severity: 'error',
    title: 'Manifest refused',
    text: 'The {type} manifest was refused: {reason}. The last good one stays in force.',
  },
  TABLE_ERRORS: {
    severity: 'info',
    title: 'Some tables could not be read',
    text: '{tables}. The rest was collected; reasons are in the log and in collection_errors.',
  },
  COLLECTOR_DOWN: {
    severity: 'error',
    title: 'Collector does not run',
    text: 'The collector process ended {times} times: {reason}. Next start {next}.',
    showAfterSec: 5,
  },
  COLLECTOR_MEMORY: {
    severity: 'warning',
    title: 'Collector needs too much memory',
    text: 'The collector had {size} MB during the {type} collection, more than {budget} MB, and was ended. Another one goes on where it ended. CollectorMemoryMb in {file} sets the budget.',
  },
  BATTERY_PAUSE: {
    severity: 'info',
    title: 'Scheduled scans wait for power',
    text: 'The battery is at {charge} %, below {limit} %: the {type} scan waits until it is charged or the host has other power. PauseBelowBatteryPct in {file} sets the limit; a scan that someone asks for runs all the same.',
  },
  COLLECTION_FAILED: {
    severity: 'warning',
    title: 'A collection failed',
    text: 'The {type} collection failed: {reason}. Next attempt {next}.',
  },
  UPLOAD_REFUSED: {
    severity: 'error',
    title: 'Upload refused',
    text: 'The platform refused the {type} upload: {reason}. One full collection follows {next}.',
  },
  RESYNC: {
    severity: 'info',
    title: 'Synchronising again',
    text: 'Agent and platform held different {types} data ({reason}); both dropped it and a full collection follows.',
  },
  UNINSTALLED: {
    severity: 'error',
    title: 'Removed by the platform',
    text: 'The platform removed this agent. What was collected is dropped and nothing is sent; the Host ID is kept. Uninstall it here, or stop it, delete {path} and start it to register again.',
    stopsUploads: true,
  },
  DISK_FULL: {
    severity: 'error',
    title: 'No disk space',
    text: '{path}: {reason}. Collection pauses, nothing queued is lost; it goes on by itself once there is space.',
  },
  SCAN_KEY_INVALID: {
    severity: 'warning',
    title: 'A key for scans is not read',
    text: '{place}: {reason}. No scan begins by it; correct or delete it.',
  },
  STORE_QUARANTINED: {
    severity: 'warning',
    title: 'Local database was damaged',
    text: 'The local database was damaged and moved to {path}. A new one is in use and everything is collected again.',
  },
  ...EVENT_CONDITIONS,
  DEV_INTERVALS: {
    severity: 'info',
    title: 'Development intervals',
    text: 'Intervals are shortened by a development switch: {switch}. Not for production.',
  },
} as const satisfies Record<string, ConditionSpec>;

export type ConditionCode = keyof typeof CONDITIONS;

/** A condition as it is raised: since when, with which values for its text. */
export interface RaisedCondition {
  readonly code: ConditionCode;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly values: Readonly<Record<string, string>>;
}

/** The text of a condition with its values; a value that is missing shows as `?`. */
export function conditionText(code: ConditionCode, values: Readonly<Record<string, string>>): string {
  return CONDITIONS[code].text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '?');
}

/**
 * The conditions that people see now: raised long enough, and not merely the consequence of another visible one.
 * Errors first, then warnings, then the rest; oldest first among equals.
 */
export function visibleConditions(raised: readonly RaisedCondition[], now: number): RaisedCondition[] {
  const rank = { error: 0, warning: 1, info: 2 };
  const ripe = raised.filter((condition) => {
    const spec: ConditionSpec = CONDITIONS[condition.code];
    return now - condition.since >= (spec.showAfterSec ?? 0) * 1000;
  });
  const codes = new Set<string>(ripe.map((condition) => condition.code));
  return ripe
    .filter((condition) => {
      const spec: ConditionSpec = CONDITIONS[condition.code];
      return !(spec.dependsOn ?? []).some((parent) => codes.has(parent));
    })
    .sort(
      (a, b) =>
        rank[CONDITIONS[a.code].severity] - rank[CONDITIONS[b.code].severity] ||
        a.since - b.since ||
        (a.code < b.code ? -1 : 1),
    );
}
