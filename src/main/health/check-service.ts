import type { AgentStatus, ShownCondition } from '../../shared/status.ts';
import { attention, bad, good, skipped, type Check, type Finding } from './health.ts';
import type { HealthInput, Silence } from './input.ts';

/** A check-in may be later than two intervals by this before somebody should look, ms: as long as an exchange may take. */
const LATE_MS = 10 * 60_000;

/** Largest difference of clocks that the platform takes, s (protocol, "Trust"). */
const MAX_SKEW_SEC = 300;

const START: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'Run: systemctl start wayfarer-agent',
  darwin: 'Run: sudo launchctl kickstart system/com.wayfarer.agent',
  win32: 'Run: Start-Service WayfarerAgent',
};

const STEPS: Record<Exclude<Silence, 'not running'>, string> = {
  'not installed': 'Install the agent on this host.',
  permission: 'Run this as root or administrator.',
  timeout: 'See the end of the log, then restart the service.',
  failed: 'See the end of the log, then restart the service.',
};

/** Whether the service runs and answers (R286). */
export function checkService({ service, platform }: HealthInput): Finding {
  const name = 'service';
  if (service.answers) {
    const { pid, startedAt, agentVersion } = service.status;
    return good(name, `version ${agentVersion} runs as process ${String(pid)} since ${startedAt}`);
  }
  const { why, reason } = service;
  const start = START[platform] ?? 'Start the service.';
  return bad(name, `${why}: ${reason}`, why === 'not running' ? start : STEPS[why]);
}

/** Whether the platform knows this host, and hears from it. */
export function checkRegistration({ service, now }: HealthInput): Finding[] {
  if (!service.answers) return [skipped('registration', 'the service does not answer')];
  const { identity, profile, lastCheckIn, nextCheckIn, nextProvisioning, sentence, blackout } =
    service.status;
  if (identity.hostId === null) {
    const next = nextProvisioning === null ? '' : `; next attempt ${nextProvisioning}`;
    return [bad('registration', `not registered with a platform${next}`, stepOf(service.status) ?? sentence)];
  }
  const late =
    lastCheckIn === null || now - Date.parse(lastCheckIn) > 2 * profile.statusIntervalSec * 1000 + LATE_MS;
  const detail = `last check-in ${lastCheckIn ?? 'never'}, next ${nextCheckIn ?? 'not planned'}`;
  const known = good('registration', 'the platform knows this host');
  if (blackout.until !== null) {
    return [
      known,
      good(
        'check-in',
        `the blackout of the profile keeps the agent silent until ${blackout.until}; ${detail}`,
      ),
    ];
  }
  return [
    known,
    late
      ? attention('check-in', detail, stepOf(service.status) ?? 'See "connection" and the end of the log.')
      : good('check-in', detail),
  ];
}

/** What to do about the first visible condition. */
const stepOf = (status: AgentStatus): string | undefined => status.conditions[0]?.text;

/** What the agent itself knows to be wrong. */
export function checkConditions({ service }: HealthInput): Check[] {
  if (!service.answers) return [];
  return service.status.conditions.map(checkOf);
}

function checkOf({ code, severity, title, text }: ShownCondition): Check {
  const name = `condition ${code}`;
  if (severity === 'info') return good(name, `${title}: ${text}`);
  return (severity === 'error' ? bad : attention)(name, title, text);
}

/** Whether the clock is right enough for signatures. */
export function checkClock({ service, connectivity, now }: HealthInput): Finding {
  const name = 'clock';
  const own = connectivity.tried ? connectivity.tls?.inspection.chain[0] : undefined;
  if (own !== undefined && (now < Date.parse(own.validFrom) || now > Date.parse(own.validTo))) {
    const says = new Date(now).toISOString();
    const detail = `it says ${says}, the platform's certificate is valid from ${own.validFrom} to ${own.validTo}`;
    return attention(name, detail, "Set this host's clock, or have the platform's certificate renewed.");
  }
  if (!service.answers) return skipped(name, 'the service does not answer');
  const offset = service.status.platform.clockOffsetSec;
  if (Math.abs(offset) > MAX_SKEW_SEC) {
    const detail = `differs from the platform's by ${String(offset)} s; the agent corrects for it`;
    return attention(name, detail, "Set this host's clock.");
  }
  return good(name, `within ${String(MAX_SKEW_SEC)} s of the platform's`);
}

/** Whether anything was lost on the way. */
export function checkQueue({ service }: HealthInput): Finding {
  const name = 'queue';
  if (!service.answers) return skipped(name, 'the service does not answer');
  const { records, bytes, dropped } = service.status.queue;
  const detail = `${String(records)} records (${String(bytes)} bytes) wait, ${String(dropped)} dropped`;
  if (dropped === 0) return good(name, detail);
  return attention(
    name,
    detail,
    'See why the platform was out of reach for so long; it is told what is missing.',
  );
}
