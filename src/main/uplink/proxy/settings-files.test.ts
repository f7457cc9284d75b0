import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noRoot } from '../../../../test/support/reason.ts';
import { resolvePaths } from '../../host/paths.ts';
import { interpretProxySettings, type ProxySettingName, type ProxySettings } from './proxy-settings.ts';
import { fileSettings } from './settings-files.ts';

let root: string;
const at = (path: string): string => join(root, path);
const source = () => fileSettings(resolvePaths('linux', root, {}).proxy);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wf-proxy-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
}
const load = (): ProxySettings => interpretProxySettings(source().read(), 'linux');
const apply = (changes: Partial<Record<ProxySettingName, string | undefined>>): void => {
  source().apply(new Map(Object.entries(changes) as [ProxySettingName, string | undefined][]));
};
const hosts = (settings: ProxySettings): string[] => settings.urls.map(({ host }) => host);

describe('reading the settings files', () => {
  it('R243 R258 finds nothing where there are none, and what is there as soon as it is', () => {
    expect(load()).toEqual({
      urls: [],
      system: true,
      order: 'sequential',
      noProxy: '',
      systemUrls: [],
      given: {},
      problems: [],
    });
    put('/etc/default/wayfarer-agent', 'wayfarer_https_proxy=http://a:1\n');
    expect(hosts(load())).toEqual(['a']);
  });

  it.each(['/etc/default/wayfarer-agent', '/etc/sysconfig/wayfarer-agent', '/etc/environment'])(
    'R245 R267 reads every setting from %s',
    (path) => {
      put(
        path,
        [
          '# proxies',
          'wayfarer_https_proxy="http://a:1;http://b:2"',
          'export wayfarer_proxy_pac=http://pac.example/proxy.pac',
          'wayfarer_proxy_wpad=ON',
          'wayfarer_proxy_system=off',
          'wayfarer_proxy_order=random',
          'wayfarer_proxy_fail_open=0',
          "no_proxy='localhost, .corp.example'",
        ].join('\n'),
      );
      expect(load()).toMatchObject({
        urls: [
          { protocol: 'http', host: 'a', port: 1 },
          { protocol: 'http', host: 'b', port: 2 },
        ],
        pac: 'http://pac.example/proxy.pac',
        wpad: true,
        system: false,
        order: 'random',
        failOpen: false,
        noProxy: 'localhost, .corp.example',
        problems: [],
      });
      expect(load().given.urls?.source).toBe(`${at(path)}:2`);
    },
  );

  it('R245 lets the first file that has a setting win, each setting by itself', () => {
    put('/etc/default/wayfarer-agent', 'wayfarer_https_proxy=http://default:1\nwayfarer_proxy_pac=\n');
    put('/etc/sysconfig/wayfarer-agent', 'wayfarer_https_proxy=http://sysconfig:1\n');
    put('/etc/environment', 'wayfarer_https_proxy=http://environment:1\nwayfarer_proxy_pac=/p.pac\n');
    expect(hosts(load())).toEqual(['default']);
    expect(load().pac).toBe('/p.pac');
  });

  it('takes the common https_proxy for the system’s, in small letters before large ones', () => {
    put('/etc/environment', 'HTTPS_PROXY=http://large:1\nhttps_proxy=http://small:1\nNO_PROXY=*\n');
    expect(load().urls).toEqual([]);
    expect(load().systemUrls.map(({ host }) => host)).toEqual(['small']);
    expect(load().noProxy).toBe('*');
    put('/etc/default/wayfarer-agent', 'wayfarer_proxy_system=off\n');
    expect(load().systemUrls).toEqual([]);
  });

  it('names what is not valid with its place, uses the rest and puts nothing in its place', () => {
    put('/etc/default/wayfarer-agent', 'wayfarer_https_proxy=http://a:1;b\nwayfarer_proxy_wpad="on\n');
    put(
      '/etc/environment',
      'wayfarer_proxy_wpad=on\nwayfarer_proxy_pac=ftp://x/p\nhttps_proxy=http://u:secret@h:1\n',
    );
    const settings = load();
    expect(hosts(settings)).toEqual(['a']);
    expect(settings.wpad).toBeUndefined();
    expect(settings.systemUrls).toEqual([]);
    expect(
      settings.problems.map(({ setting, source: place }) => `${setting} ${place.slice(root.length)}`),
    ).toEqual([
      'wayfarer_proxy_wpad /etc/default/wayfarer-agent:2',
      'wayfarer_https_proxy /etc/default/wayfarer-agent:1',
      'wayfarer_proxy_pac /etc/environment:2',
      'https_proxy /etc/environment:3',
    ]);
    expect(JSON.stringify(settings.problems)).not.toContain('secret');
  });

  it.each([
    ['ten megabytes', Buffer.alloc(10_000_000, 'A=b\n'), 'larger than'],
    ['binary', Buffer.from([0, 255, 254, 10, 0, 61, 0]), ''],
  ])('survives a file of %s', (_, content, reason) => {
    put('/etc/default/wayfarer-agent', content);
    put('/etc/environment', 'wayfarer_https_proxy=http://a:1\n');
    expect(hosts(load())).toEqual(['a']);
    expect(
      load()
        .problems.map((problem) => problem.reason)
        .join(),
    ).toContain(reason);
  });

  it('reads no link and no folder, and says so', () => {
    put('/elsewhere', 'wayfarer_https_proxy=http://a:1\n');
    mkdirSync(at('/etc/default'), { recursive: true });
    symlinkSync(at('/elsewhere'), at('/etc/default/wayfarer-agent'));
    mkdirSync(at('/etc/environment'));
    expect(load().urls).toEqual([]);
    expect(load().problems.map((problem) => problem.reason)).toEqual([
      expect.stringContaining('symbolic link'),
      expect.stringMatching(/not a regular file|EISDIR/),
    ]);
  });
});

describe('a settings file that others may have written', () => {
  const reasons = (): string[] => load().problems.map((problem) => problem.reason);

  it('is not read while everyone may write it: whoever names the proxy is sent the credentials', () => {
    put('/etc/default/wayfarer-agent', 'wayfarer_https_proxy=http://evil:1\n');
    chmodSync(at('/etc/default/wayfarer-agent'), 0o666);
    expect(load().urls).toEqual([]);
    expect(reasons()).toEqual([
      `is not read: every user may write it (mode 666); run chmod go-w ${at('/etc/default/wayfarer-agent')}`,
    ]);
    expect(() => apply({ wpad: 'off' })).toThrow('every user may write it');
    chmodSync(at('/etc/default/wayfarer-agent'), 0o664);
    expect(reasons()).toEqual([]);
  });

  it.skipIf(noRoot !== undefined)(
    `is not read while a group other than root's may write it${because(noRoot)}`,
    () => {
      put('/etc/environment', 'wayfarer_https_proxy=http://evil:1\n');
      chmodSync(at('/etc/environment'), 0o664);
      chownSync(at('/etc/environment'), 0, 50);
      expect(load().urls).toEqual([]);
      expect(reasons()).toEqual([
        `is not read: the group 50 may write it (mode 664); run chmod go-w ${at('/etc/environment')}`,
      ]);
      chmodSync(at('/etc/environment'), 0o644);
      expect(reasons()).toEqual([]);
    },
  );

  it.skipIf(noRoot !== undefined)(`is not read while another user owns it${because(noRoot)}`, () => {
    put('/etc/environment', 'wayfarer_https_proxy=http://evil:1\n');
    chownSync(at('/etc/environment'), 65534, 65534);
    expect(load().urls).toEqual([]);
    expect(reasons()).toEqual([
      `is not read: it belongs to user 65534 (mode 644); run chown root ${at('/etc/environment')}`,
    ]);
  });
});

describe('writing the settings files', () => {
  it.each([
    [['/etc/default', '/etc/sysconfig'], undefined, '/etc/default/wayfarer-agent'],
    [['/etc/sysconfig'], undefined, '/etc/sysconfig/wayfarer-agent'],
    [['/etc/default', '/etc/sysconfig'], '/etc/sysconfig/wayfarer-agent', '/etc/sysconfig/wayfarer-agent'],
    [[], undefined, '/etc/default/wayfarer-agent'],
  ])('R245 with the folders %j and the file %s writes to %s', (folders, file, expected) => {
    for (const folder of folders) mkdirSync(at(folder), { recursive: true });
    if (file !== undefined) put(file, '# of the package\n');
    apply({ urls: 'http://a:1;http://b:1' });
    expect(readFileSync(at(expected), 'utf8')).toBe(
      `${file === undefined ? '' : '# of the package\n'}wayfarer_https_proxy="http://a:1;http://b:1"\n`,
    );
    expect(hosts(load())).toEqual(['a', 'b']);
    expect(source().place).toBe(at(expected));
  });

  it('makes a file that everyone may read, and keeps the rights of one that is there', () => {
    apply({ urls: 'http://a:1' });
    const path = at('/etc/default/wayfarer-agent');
    expect(statSync(path).mode & 0o777).toBe(0o644);
    chmodSync(path, 0o640);
    apply({ urls: 'http://b:1' });
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('keeps every other byte, whatever its encoding', () => {
    const other = Buffer.from([0x23, 0xff, 0xfe, 0x0a, 0x41, 0x3d, 0xe4, 0x0a]);
    put('/etc/default/wayfarer-agent', other);
    apply({ pac: '/opt/prüfung.pac' });
    const after = readFileSync(at('/etc/default/wayfarer-agent'));
    expect(after.subarray(0, other.length)).toEqual(other);
    expect(load().pac).toBe('/opt/prüfung.pac');
  });

  it('R252 takes a setting out wherever it stands, and leaves what other programs use', () => {
    put('/etc/default/wayfarer-agent', 'A=1\nwayfarer_https_proxy=http://a:1\nhttps_proxy=http://s:1\n');
    put('/etc/sysconfig/wayfarer-agent', 'wayfarer_https_proxy=http://b:1\nB=2\n');
    put('/etc/environment', 'wayfarer_https_proxy=http://c:1\nhttps_proxy=http://d:1\nno_proxy=x\n');
    apply({ urls: undefined, noProxy: undefined, systemUrl: undefined });
    expect(readFileSync(at('/etc/default/wayfarer-agent'), 'utf8')).toBe('A=1\n');
    expect(readFileSync(at('/etc/sysconfig/wayfarer-agent'), 'utf8')).toBe('B=2\n');
    expect(readFileSync(at('/etc/environment'), 'utf8')).toBe('https_proxy=http://d:1\nno_proxy=x\n');
  });

  it('writes no file that does not change', () => {
    put('/etc/environment', 'A=1\n');
    const before = statSync(at('/etc/environment')).ino;
    apply({ urls: 'http://a:1', pac: undefined });
    expect(statSync(at('/etc/environment')).ino).toBe(before);
    const written = statSync(at('/etc/default/wayfarer-agent')).ino;
    apply({ urls: 'http://a:1', pac: undefined });
    expect(statSync(at('/etc/default/wayfarer-agent')).ino).toBe(written);
  });

  it('follows no link: where the change belongs it fails, elsewhere it passes it by', () => {
    put('/elsewhere', 'wayfarer_https_proxy=http://e:1\n');
    put('/etc/default/wayfarer-agent', 'wayfarer_https_proxy=http://a:1\n');
    symlinkSync(at('/elsewhere'), at('/etc/environment'));
    apply({ urls: undefined });
    expect(load().urls).toEqual([]);
    rmSync(at('/etc/default/wayfarer-agent'));
    symlinkSync(at('/elsewhere'), at('/etc/default/wayfarer-agent'));
    expect(() => apply({ urls: 'http://b:1' })).toThrow('symbolic link');
    expect(readFileSync(at('/elsewhere'), 'utf8')).toBe('wayfarer_https_proxy=http://e:1\n');
  });

  it.each([undefined, '# of the package\n'])(
    'leaves the file of the agent as it was (%j) when the next one can not be written',
    (before) => {
      if (before !== undefined) put('/etc/default/wayfarer-agent', before);
      put('/etc/environment', 'wayfarer_proxy_pac=/p.pac\n');
      // In the way of the new file that would replace it.
      mkdirSync(at('/etc/environment.new'));
      expect(() => apply({ urls: 'http://b:1', pac: undefined })).toThrow('environment.new');
      const path = at('/etc/default/wayfarer-agent');
      expect(existsSync(path) ? readFileSync(path, 'utf8') : undefined).toBe(before);
      expect(load().pac).toBe('/p.pac');
    },
  );

  it('writes no file when one of them can not be read', () => {
    put('/etc/default/wayfarer-agent', 'wayfarer_https_proxy=http://a:1\n');
    mkdirSync(at('/etc/sysconfig'), { recursive: true });
    writeFileSync(at('/etc/sysconfig/wayfarer-agent'), Buffer.alloc(100_000, '#'));
    rmSync(at('/etc/default/wayfarer-agent'));
    expect(() => apply({ urls: 'http://b:1' })).toThrow('is not written');
    expect(existsSync(at('/etc/default/wayfarer-agent'))).toBe(false);
  });
});
