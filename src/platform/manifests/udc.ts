import type { Manifest } from '../../shared/manifest.ts';
import { configLine, file, sysctl, table } from './tasks.ts';

/** Data points of user-defined controls; a starting set that an organisation extends (R213). */
export const udc: Manifest = {
  type: 'UDC',
  description: 'Data points of user-defined controls',
  tasks: [
    file('motd', '/etc/motd', { hash: true }),
    file('issue', '/etc/issue', { hash: true }),
    file('issue-net', '/etc/issue.net', { hash: true }),
    file('hosts', '/etc/hosts', { hash: true }),
    file('resolv', '/etc/resolv.conf'),
    file('hosts-allow', '/etc/hosts.allow'),
    file('hosts-deny', '/etc/hosts.deny'),
    configLine('time-servers', '/etc/systemd/timesyncd.conf', '^\\s*(Fallback)?NTP='),
    configLine('login-banner', '/etc/ssh/sshd_config', '^\\s*Banner\\s'),
    configLine('apt-unattended', '/etc/apt/apt.conf.d/20auto-upgrades', 'Unattended-Upgrade'),
    sysctl('kernel.core_pattern'),
    sysctl('vm.swappiness'),
    table('processes'),
  ],
};
