import type { Manifest } from '../../shared/manifest.ts';
import { SOFTWARE_TABLES, file, table } from './tasks.ts';

/** What finds middleware: processes, ports, packages, and the configuration files that give it away. */
export const autoDiscovery: Manifest = {
  type: 'AutoDiscovery',
  description: 'Web servers, databases, runtimes and containers that are present',
  tasks: [
    table('processes'),
    table('listening_ports'),
    ...SOFTWARE_TABLES.map(table),
    file('apache', '/etc/apache2/apache2.conf'),
    file('httpd', '/etc/httpd/conf/httpd.conf'),
    file('nginx', '/etc/nginx/nginx.conf'),
    file('mysql', '/etc/mysql/my.cnf'),
    file('postgresql', '/etc/postgresql'),
    file('redis', '/etc/redis/redis.conf'),
    file('mongodb', '/etc/mongod.conf'),
    file('tomcat', '/etc/tomcat10/server.xml'),
    file('docker', '/etc/docker/daemon.json'),
    file('containerd', '/etc/containerd/config.toml'),
    file('haproxy', '/etc/haproxy/haproxy.cfg'),
    file('squid', '/etc/squid/squid.conf'),
  ],
};
