import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensurePaths, resolvePaths } from './paths.ts';
import { rootDirectory } from './root.ts';

describe('paths of the agent', () => {
  it('R281 stand on Linux where administrators look for them', () => {
    expect(resolvePaths('linux', undefined, {})).toEqual({
      settingsFile: '/etc/wayfarer/agent.conf',
      hostIdFile: '/etc/wayfarer/hostid',
      dataDir: '/var/lib/wayfarer',
      secretsDir: '/var/lib/wayfarer/secrets',
      runDir: '/run/wayfarer',
      logFile: '/var/log/wayfarer/wayfarer-agent.log',
      syslogSocket: '/dev/log',
      proxy: {
        files: ['/etc/default/wayfarer-agent', '/etc/sysconfig/wayfarer-agent'],
        sharedFiles: ['/etc/environment'],
        registryKey: '',
      },
      scanKeys: '/etc/wayfarer/ScanOnDemand',
      readEndpoint: '/run/wayfarer/read.sock',
      adminEndpoint: '/run/wayfarer/admin.sock',
    });
  });

  it('R281 stand on macOS in the Library', () => {
    const paths = resolvePaths('darwin', undefined, {});
    expect(paths.dataDir).toBe('/Library/Application Support/Wayfarer');
    expect(paths.hostIdFile).toBe('/Library/Application Support/Wayfarer/hostid');
    expect(paths.logFile).toBe('/Library/Logs/Wayfarer/wayfarer-agent.log');
    expect(paths.proxy.files).toEqual(['/Library/Application Support/Wayfarer/proxy.conf']);
    expect(paths.proxy.sharedFiles).toEqual([]);
  });

  it('R280 stand on Windows below ProgramData, with pipes as endpoints', () => {
    const paths = resolvePaths('win32', undefined, { ProgramData: 'D:\\Data' });
    expect(paths.dataDir).toBe('D:\\Data\\Wayfarer\\Agent');
    expect(paths.logFile).toBe('D:\\Data\\Wayfarer\\Agent\\Log.txt');
    expect(paths.proxy.files).toEqual([]);
    expect(paths.proxy.registryKey).toBe('SOFTWARE\\Wayfarer\\Proxy');
    expect(paths.scanKeys).toBe('SOFTWARE\\Wayfarer\\Agent\\ScanOnDemand');
    expect(paths.readEndpoint).toBe('\\\\.\\pipe\\wayfarer-read');
    expect(paths.adminEndpoint).toBe('\\\\.\\pipe\\wayfarer-admin');
    expect(resolvePaths('win32', undefined, {}).dataDir).toBe('C:\\ProgramData\\Wayfarer\\Agent');
  });

  it.each(['linux', 'darwin'] as const)('all move under another root on %s', (platform) => {
    const paths = resolvePaths(platform, '/tmp/elsewhere', {});
    const { proxy, ...others } = paths;
    for (const path of [...Object.values(others), ...proxy.files, ...proxy.sharedFiles]) {
      expect(path).toMatch(/^\/tmp\/elsewhere\//);
    }
  });

  it('get pipes and a registry key of their own under another root on Windows, also where roots end alike', () => {
    const tail = '/a/root/with/a/long/common/ending';
    const pipes = ['/one', '/two'].map((head) => resolvePaths('win32', `${head}${tail}`, {}).adminEndpoint);
    expect(new Set([...pipes, resolvePaths('win32', undefined, {}).adminEndpoint]).size).toBe(3);
    expect(resolvePaths('win32', '/one', {}).proxy.registryKey).toMatch(
      /^SOFTWARE\\Wayfarer-[0-9a-f]{32}\\Proxy$/,
    );
  });

  it('are absolute under a relative root', () => {
    expect(resolvePaths('linux', 'here', {}).dataDir).toBe(join(process.cwd(), 'here/var/lib/wayfarer'));
  });

  it('refuse a root under which a socket path would not fit, and say what to do', () => {
    const room = 103 - '/run/wayfarer/admin.sock'.length;
    const fitting = `/${'r'.repeat(room - 1)}`;
    expect(Buffer.byteLength(resolvePaths('linux', fitting, {}).adminEndpoint)).toBe(103);
    expect(() => resolvePaths('linux', `${fitting}r`, {})).toThrow('choose a shorter WAYFARER_ROOT');
    // 103 characters, but more bytes
    expect(() => resolvePaths('linux', `/${'ü'.repeat(room - 1)}`, {})).toThrow('WAYFARER_ROOT');
  });
});

describe('making the directories', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'wayfarer-paths-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('closes the data to others and leaves Host ID and sockets reachable, under a strict umask too', () => {
    const paths = resolvePaths('linux', root, {});
    const before = process.umask(0o077);
    try {
      ensurePaths(paths);
    } finally {
      process.umask(before);
    }
    const mode = (path: string): number => statSync(path).mode & 0o777;
    expect(mode(paths.dataDir)).toBe(0o700);
    expect(mode(paths.runDir)).toBe(0o755);
    expect(mode(dirname(paths.hostIdFile))).toBe(0o755);
  });
});

describe('the root', () => {
  it('is the given one, else beside the sources, else the real system for a bundle', () => {
    const source = 'file:///clone/src/main/host/root.ts';
    expect(rootDirectory({ WAYFARER_ROOT: '/tmp/r' }, source)).toBe('/tmp/r');
    expect(rootDirectory({ WAYFARER_ROOT: '' }, source)).toBe('/clone/.wayfarer');
    expect(rootDirectory({}, 'file:///opt/wayfarer/service.mjs')).toBeUndefined();
  });
});
