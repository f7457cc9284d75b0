import type { Admin } from '../admin/admin.ts';
import { printable } from '../printable.ts';
import { streamsText } from './event-text.ts';
import { tableOf, when } from './output.ts';

export function keysText(keys: ReturnType<Admin['keys']>): string {
  const rows = keys.map((key) => [
    key.id,
    key.title,
    key.modules.join(','),
    key.tags.join(','),
    `${key.agents}/${key.maxAgents ?? 'unlimited'}`,
    key.expiresAt === null ? 'never' : when(key.expiresAt),
    key.disabled ? 'disabled' : 'active',
  ]);
  return tableOf(['ACTIVATION ID', 'TITLE', 'MODULES', 'TAGS', 'AGENTS', 'EXPIRES', 'STATE'], rows);
}

export function profilesText(profiles: ReturnType<Admin['profiles']>): string {
  const rows = profiles.map((entry) => [
    String(entry.position),
    entry.profile.id,
    `${entry.profile.name}${entry.isDefault ? ' (default)' : ''}`,
    entry.profile.preset,
    entry.includeTags.join(','),
    entry.excludeTags.join(','),
    entry.hostNames.join(','),
  ]);
  return tableOf(['#', 'PROFILE ID', 'NAME', 'PRESET', 'INCLUDE', 'EXCLUDE', 'HOSTS'], rows);
}

export function agentsText(agents: ReturnType<Admin['agents']>): string {
  if (agents.length === 0) {
    return 'no agent has registered yet; "wayfarer-platform init" prints the ids that one needs';
  }
  const rows = agents.map((agent) => [
    agent.id,
    agent.hostname,
    agent.os,
    agent.state,
    agent.modules.join(','),
    agent.lastActivity === null ? '-' : `${agent.lastActivity.activity}, ${when(agent.lastActivity.at)}`,
    when(agent.lastCheckedIn),
  ]);
  return tableOf(['HOST ID', 'HOST', 'OS', 'STATE', 'MODULES', 'LAST ACTIVITY', 'LAST CHECKED IN'], rows);
}

export function agentText(agent: ReturnType<Admin['show']>): string {
  const facts = [
    `host            ${printable(agent.hostname)} (${printable(agent.os)})`,
    `host id         ${agent.id}`,
    `state           ${printable(agent.state)}, agent ${printable(agent.agentVersion)}`,
    `modules         ${agent.modules.join(', ')}${agent.services.length > 0 ? ` (with ${agent.services.join(', ')})` : ''}`,
    `activation key  ${agent.activationKey}`,
    `tags            ${agent.tags.join(', ')}`,
    `profile         ${agent.profile.name}, version ${agent.profile.version}`,
    `last checked in ${when(agent.lastCheckedIn)}`,
    ...(agent.correlationId === null ? [] : [`correlation id  ${agent.correlationId}`]),
  ];
  const rows = Object.entries(agent.types).map(([type, held]) => [
    type,
    String(held.seq),
    String(held.rows),
    held.root.slice(0, 16),
    when(held.committedAt),
    when(held.processedAt),
  ]);
  const types = tableOf(['TYPE', 'SEQ', 'ROWS', 'ROOT', 'COMMITTED', 'PROCESSED'], rows);
  const held = rows.length === 0 ? 'nothing was uploaded yet' : types;
  return [...facts, '', held, ...streamsText(agent), ...lossesOf(agent), ...commandsOf(agent)].join('\n');
}

/** What the host had to drop before it could be sent. */
function lossesOf({ gaps }: ReturnType<Admin['show']>): string[] {
  return gaps.length === 0
    ? []
    : ['', `${gaps.length} gaps in the event streams; "show --json" has their times`];
}

function commandsOf({ commands }: ReturnType<Admin['show']>): string[] {
  if (commands.length === 0) return [];
  const rows = commands.map((command) => [
    command.type,
    Object.entries(command.args)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(' '),
    when(command.createdAt),
    command.result ?? 'waiting',
    command.detail ?? '',
  ]);
  return ['', tableOf(['COMMAND', 'ARGUMENTS', 'GIVEN', 'RESULT', 'DETAIL'], rows)];
}

export function activitiesText(activities: ReturnType<Admin['activities']>): string {
  if (activities.length === 0) return 'no activity is on record';
  const rows = activities.map((one) => [when(one.at), one.activity, one.detail ?? '']);
  return tableOf(['AT', 'ACTIVITY', 'DETAIL'], rows);
}

export function assetChangesText(changes: ReturnType<Admin['assetChanges']>): string {
  if (changes.length === 0)
    return 'no change is on record: a first scan is what later ones are compared with';
  const rows = changes.map(({ at, event, source, subject, before, after, type }) => [
    when(at),
    event,
    source,
    subject,
    before ?? '-',
    after ?? '-',
    type,
  ]);
  return tableOf(['COMMITTED', 'EVENT', 'TABLE', 'OF', 'BEFORE', 'AFTER', 'SEEN BY'], rows);
}

export function findingsText(findings: ReturnType<Admin['findings']>): string {
  if (findings.length === 0) {
    return 'no findings: no advisory matches this host, or its Vulnerability snapshot is not processed yet';
  }
  const rows = findings.map((finding) => [
    finding.status,
    finding.severity,
    finding.package,
    finding.installedVersion,
    finding.fixedVersion ?? '-',
    finding.cves.join(',') || finding.advisory,
    finding.certainty,
    when(finding.firstSeen),
  ]);
  const open = findings.filter((finding) => finding.status !== 'fixed').length;
  const head = ['STATUS', 'SEVERITY', 'PACKAGE', 'INSTALLED', 'FIXED IN', 'CVE', 'CERTAINTY', 'FIRST SEEN'];
  return `${tableOf(head, rows)}\n${open} open, ${findings.length - open} fixed`;
}

/** The option of customers as the commands name it. */
export function correlationText(customers: ReturnType<Admin['customers']>): string {
  const rows = customers.map(({ id, name, correlation }) => [id, name, correlation ? 'accept' : 'decline']);
  return tableOf(['CUSTOMER ID', 'NAME', 'CORRELATION IDENTIFIERS'], rows);
}
