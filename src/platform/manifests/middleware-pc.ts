import type { Manifest } from '../../shared/manifest.ts';
import { configLine, file, sysctl, table } from './tasks.ts';

/** Data points of controls for middleware: how web servers and databases are set up. */
export const middlewarePc: Manifest = {
  type: 'MiddlewarePC',
  description: 'Data points of the controls for web servers, databases and runtimes',
  tasks: [
    configLine(
      'apache-tokens',
      '/etc/apache2/conf-available/security.conf',
      '^\\s*Server(Tokens|Signature)\\s',
    ),
    configLine('apache-trace', '/etc/apache2/conf-available/security.conf', '^\\s*TraceEnable\\s'),
    configLine('apache-tls', '/etc/apache2/mods-available/ssl.conf', '^\\s*SSLProtocol\\s'),
    configLine('nginx-tokens', '/etc/nginx/nginx.conf', '^\\s*server_tokens\\s'),
    configLine('nginx-tls', '/etc/nginx/nginx.conf', '^\\s*ssl_protocols\\s'),
    configLine('mysql-bind', '/etc/mysql/mysql.conf.d/mysqld.cnf', '^\\s*bind-address\\s*='),
    configLine('redis-bind', '/etc/redis/redis.conf', '^\\s*(bind|protected-mode)\\s'),
    configLine('mongodb-bind', '/etc/mongod.conf', '^\\s*bindIp(All)?:'),
    file('docker-socket', '/run/docker.sock'),
    file('docker-daemon', '/etc/docker/daemon.json', { hash: true }),
    file('tomcat-users', '/etc/tomcat10/tomcat-users.xml'),
    sysctl('net.core.somaxconn'),
    table('processes'),
  ],
};
