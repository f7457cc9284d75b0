import type { Manifest } from '../../shared/manifest.ts';
import { configLine, file, sysctl, table } from './tasks.ts';

/** Data points of system-defined controls: accounts, remote access, logging, kernel (R212). */
export const policyCompliance: Manifest = {
  type: 'PolicyCompliance',
  description: 'Data points of the system-defined controls',
  tasks: [
    file('passwd', '/etc/passwd'),
    file('shadow', '/etc/shadow'),
    file('sshd-config', '/etc/ssh/sshd_config', { hash: true }),
    configLine('ssh-root-login', '/etc/ssh/sshd_config', '^\\s*PermitRootLogin\\s'),
    configLine('ssh-password', '/etc/ssh/sshd_config', '^\\s*PasswordAuthentication\\s'),
    configLine('password-age', '/etc/login.defs', '^\\s*PASS_(MAX|MIN)_DAYS\\s'),
    configLine('password-hash', '/etc/login.defs', '^\\s*ENCRYPT_METHOD\\s'),
    configLine('sudo-defaults', '/etc/sudoers', '^\\s*Defaults\\s'),
    file('rsyslog', '/etc/rsyslog.conf'),
    file('journald', '/etc/systemd/journald.conf', { hash: true }),
    sysctl('net.ipv4.ip_forward'),
    sysctl('kernel.randomize_va_space'),
    table('password_policy'),
    table('processes'),
  ],
};
