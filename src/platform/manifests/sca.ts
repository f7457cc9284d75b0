import type { Manifest } from '../../shared/manifest.ts';
import { configLine, file, sysctl, table } from './tasks.ts';

/** Data points of the hardening policies (R214). */
export const sca: Manifest = {
  type: 'SCA',
  description: 'Data points of the configuration assessment policies',
  tasks: [
    file('grub-config', '/boot/grub/grub.cfg'),
    file('crontab', '/etc/crontab'),
    file('cron-daily', '/etc/cron.daily'),
    file('gshadow', '/etc/gshadow'),
    configLine('ssh-max-auth', '/etc/ssh/sshd_config', '^\\s*MaxAuthTries\\s'),
    configLine('ssh-x11', '/etc/ssh/sshd_config', '^\\s*X11Forwarding\\s'),
    configLine('umask', '/etc/login.defs', '^\\s*UMASK\\s'),
    sysctl('net.ipv4.conf.all.accept_redirects'),
    sysctl('net.ipv4.conf.all.send_redirects'),
    sysctl('net.ipv4.conf.all.accept_source_route'),
    sysctl('net.ipv4.tcp_syncookies'),
    sysctl('kernel.dmesg_restrict'),
    sysctl('fs.suid_dumpable'),
    table('processes'),
  ],
};
