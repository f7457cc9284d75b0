import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProxyReport } from '../../src/main/cli/proxy-report.ts';
import type { RouteAttempt } from '../../src/shared/proxy.ts';
import { ProxyServer } from '../support/proxy-servers.ts';
import { because, noProgram, noRoot } from '../support/reason.ts';
import { CLONE } from '../support/run.ts';
import { Site } from '../support/site.ts';
import { until } from '../support/until.ts';

/* Both tools as a person or a script starts them, under a root of their own. */

let root: string;
const at = (path: string): string => join(root, path);
const OWN = '/etc/default/wayfarer-agent';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wf-tools-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(entry: string, args: readonly string[], input: string | Buffer, uid?: number): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, ...args], {
    cwd: CLONE,
    env: { ...process.env, WAYFARER_ROOT: root },
    input,
    encoding: 'utf8',
    timeout: 60_000,
    ...(uid !== undefined && { uid, gid: uid }),
  });
  return { code: status, stdout, stderr };
}
const tool = (args: readonly string[], input: string | Buffer = '', uid?: number): Ended =>
  start('src/main/proxy-tool.ts', args, input, uid);
const ctl = (args: readonly string[], input: string | Buffer = ''): Ended =>
  start('src/main/cli.ts', ['proxy', ...args], input);
const shown = (): ProxyReport => JSON.parse(ctl(['show', '--json']).stdout) as ProxyReport;

/** Every file under the root with its bytes. */
function everything(): Record<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    names
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path, 'latin1')]),
  );
}

describe('WayfarerProxy', () => {
  it('R247 R256 R258 sets what it is told and prints what is in force, without the agent', () => {
    const { code, stdout, stderr } = tool([
      '/u',
      'http://my-proxy-1:8080;http://my-proxy-2:8080',
      '/w',
      'off',
    ]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(
      `Proxies      http://my-proxy-1:8080, http://my-proxy-2:8080 (wayfarer_https_proxy in ${at(OWN)}:1)`,
    );
    expect(shown()).toMatchObject({
      proxies: ['http://my-proxy-1:8080', 'http://my-proxy-2:8080'],
      wpad: false,
      credentials: { state: 'none' },
      problems: [],
    });
  });

  it.each([
    ['p@ss;w&rd%20', 'on the command line'],
    ['pä ss"w😀rd', 'through standard input'],
  ])('R249 R250 R257 seals the password %s given %s, in no file and no output in clear', (password, how) => {
    const args = ['/u', 'http://my-proxy:8080', '/n', 'CORP\\jürgen'];
    const { code, stdout } =
      how === 'on the command line'
        ? tool([...args, '/p', password])
        : tool([...args, '/p', '-'], `${password}\n`);
    expect(code).toBe(0);
    expect(stdout).toContain('user "CORP\\jürgen", password kept');
    const bytes = Buffer.from(password, 'utf8').toString('latin1');
    for (const text of [stdout, ...Object.values(everything())]) {
      expect(text).not.toContain(password);
      expect(text).not.toContain(bytes);
      expect(text).not.toContain(Buffer.from(password, 'utf8').toString('base64'));
    }
    expect(shown().credentials).toEqual({ state: 'stored', user: 'CORP\\jürgen', store: 'sealed file' });
  });

  it('done twice leaves the same files as done once', () => {
    const args = ['/a', 'http://server/agent.pac', '/h', 'off'];
    tool(args);
    const once = everything();
    expect(tool(args).code).toBe(0);
    expect(everything()).toEqual(once);
  });

  it('R252 deletes all settings of the agent, the credentials too, and nothing else', () => {
    mkdirSync(dirname(at(OWN)), { recursive: true });
    writeFileSync(at(OWN), '# of the administrator\nOTHER=1\n');
    writeFileSync(
      at('/etc/environment'),
      'https_proxy=http://common:3128\nwayfarer_https_proxy=http://old:1\n',
    );
    tool(['/u', 'http://a:1', '/n', 'bob', '/p', 'secret', '/w', 'on', '/h', 'off']);
    expect(tool(['/d']).code).toBe(0);
    expect(readFileSync(at(OWN), 'utf8')).toBe('# of the administrator\nOTHER=1\n');
    expect(readFileSync(at('/etc/environment'), 'utf8')).toBe('https_proxy=http://common:3128\n');
    expect(shown()).toMatchObject({ proxies: [], wpad: null, credentials: { state: 'none' } });
  });

  it('R248 R256 refuses what is wrong with exit code 2, says why, and changes nothing', () => {
    tool(['/u', 'http://good:8080', '/n', 'good', '/p', 'good']);
    const before = everything();
    for (const [args, reason] of [
      [['/u', 'http://p1:1;http://p2:1;http://p3:1;http://p4:1;http://p5:1;http://p6:1'], 'at most 5'],
      [['/u', 'http://bob:secret@my-proxy:8080'], 'would stand in clear'],
      [['/u', 'http://a:1', '/a', 'http://b/p'], 'exclude each other'],
      [['/w', 'off', '/u', 'http://my-proxy'], 'has no port'],
      [[], 'nothing is asked for'],
    ] as const) {
      const { code, stdout, stderr } = tool(args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(reason);
      expect(stderr).not.toContain('secret');
      expect(everything()).toEqual(before);
    }
  });

  it.skipIf(noRoot !== undefined)(
    `R256 ends with exit code 7 for a user without rights, before it reads a password${because(noRoot)}`,
    () => {
      chmodSync(root, 0o755);
      mkdirSync(at('/etc/default'), { recursive: true });
      const args = ['/u', 'http://a:1', '/n', 'bob', '/p', '-'];
      // A password that would be refused, were it read.
      const { code, stderr } = tool(args, 'x'.repeat(5000), 65534);
      expect(code).toBe(7);
      expect(stderr).toContain('run it as root or administrator');
      expect(Object.keys(everything())).toEqual([]);
    },
  );

  it('changes nothing when a file can not be read as settings, and says which', () => {
    mkdirSync(dirname(at(OWN)), { recursive: true });
    writeFileSync(at('/elsewhere'), 'untouched');
    symlinkSync(at('/elsewhere'), at(OWN));
    const { code, stderr } = tool(['/u', 'http://a:1']);
    expect(code).toBe(1);
    expect(stderr).toContain(`${at(OWN)} is a symbolic link`);
    expect(readFileSync(at('/elsewhere'), 'utf8')).toBe('untouched');
  });

  it('R256 ends with exit code 0 when nobody reads what it prints', () => {
    const script = '{ "$0" src/main/proxy-tool.ts /w on; echo $? > "$1"; } | true';
    const ended = spawnSync('sh', ['-c', script, process.execPath, at('/code')], {
      cwd: CLONE,
      env: { ...process.env, WAYFARER_ROOT: root },
      encoding: 'utf8',
    });
    expect(ended.stderr).toBe('');
    expect(readFileSync(at('/code'), 'utf8')).toBe('0\n');
    expect(shown().wpad).toBe(true);
  });

  it('explains itself', () => {
    const { code, stdout } = tool(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('WayfarerProxy /u http://my-proxy:8080');
  });
});

describe('wayfarerctl proxy', () => {
  it('R267 does everything that WayfarerProxy does, one setting at a time', () => {
    const steps: [string[], string?][] = [
      [['set', 'http://a:1;http://b:1']],
      [['credentials', '--user', 'bob', '--password-stdin'], 'p;w'],
      [['wpad', 'on']],
      [['system', 'off']],
      [['order', 'random']],
      [['fail-open', 'off']],
    ];
    for (const [args, input] of steps) expect(ctl(args, input).code).toBe(0);
    expect(shown()).toMatchObject({
      proxies: ['http://a:1', 'http://b:1'],
      order: 'random',
      wpad: true,
      system: false,
      failOpen: false,
      credentials: { state: 'stored', user: 'bob' },
    });
    expect(ctl(['pac', '/etc/agent.pac']).code).toBe(0);
    expect(shown()).toMatchObject({ proxies: [], pac: '/etc/agent.pac', credentials: { state: 'none' } });
    expect(ctl(['wpad', 'default']).code).toBe(0);
    expect(shown().wpad).toBeNull();
    expect(ctl(['clear', '--json']).code).toBe(0);
    expect(existsSync(at(OWN)) && readFileSync(at(OWN), 'utf8')).toBe('');
  });

  it('refuses what is wrong with exit code 2 and writes nothing', () => {
    for (const [args, reason] of [
      [['set', 'nonsense'], 'has no scheme'],
      [['credentials', '--user', 'bob'], 'give --user with --password-stdin'],
      [['credentials', '--remove', '--user', 'bob'], 'or --remove alone'],
      [['set'], 'missing required argument'],
      [['bogus'], 'unknown command'],
    ] as const) {
      const { code, stderr } = ctl(args);
      expect(code).toBe(2);
      expect(stderr).toContain(reason);
    }
    expect(Object.keys(everything())).toEqual([]);
  });

  it('shows what is wrong in the files', () => {
    mkdirSync(dirname(at(OWN)), { recursive: true });
    writeFileSync(at(OWN), 'wayfarer_https_proxy=proxy:1\n');
    const { code, stdout } = ctl(['show']);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `problem: wayfarer_https_proxy in ${at(OWN)}:1: entry 1 (proxy:1): has no scheme`,
    );
  });

  it('test without a platform says so', () => {
    const { code, stdout, stderr } = ctl(['test']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('no platform is set');
    expect(stderr).toContain(at('/etc/wayfarer/agent.conf'));
  });

  it('test names a PAC file and a CA file that are of no use, and fails', () => {
    mkdirSync(dirname(at('/etc/wayfarer/agent.conf')), { recursive: true });
    writeFileSync(at('/bundle'), 'not PEM');
    writeFileSync(
      at('/etc/wayfarer/agent.conf'),
      `WebServiceUri=https://127.0.0.1:1/\nCaFile=${at('/bundle')}\n`,
    );
    expect(ctl(['pac', at('/absent.pac')]).code).toBe(0);
    const { code, stdout } = ctl(['test']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^failed direct /m);
    expect(stdout).toContain(`problem: wayfarer_proxy_pac in ${at(OWN)}:1 (${at('/absent.pac')}): `);
    expect(stdout).toMatch(/^problem: CaFile: .*\/bundle/m);
  });
});

const noTinyproxy = noProgram('tinyproxy', 'tinyproxy-bin');

describe.skipIf(noTinyproxy !== undefined)(`with a platform and a proxy${because(noTinyproxy)}`, () => {
  it('R258 R260 the agent follows the tools without a restart, and test names every way with its answer', async () => {
    const site = new Site();
    const proxy = await ProxyServer.tinyproxy();
    try {
      await site.startPlatform();
      site.startAgent();
      await site.untilSynced();
      const set = await site.ctl('proxy', 'set', `http://127.0.0.1:1;${proxy.url}`);
      expect(set.code).toBe(0);
      const log = (): string => readFileSync(site.paths.logFile, 'utf8');
      await until('a request through the second proxy', () =>
        log().includes(`via proxy#2`) ? true : undefined,
      );
      expect(log()).toContain('Proxy settings: no list;');
      // Requests read the settings afresh, so that one may be sent before the watch logs the change.
      await until('the settings in the log', () =>
        log().includes(`Proxy settings: http://127.0.0.1:1, ${proxy.url};`) ? true : undefined,
      );
      const tried = await site.ctl('proxy', 'test', '--json');
      expect(tried.code).toBe(0);
      const { attempts, problems } = JSON.parse(tried.stdout) as {
        attempts: RouteAttempt[];
        problems: string[];
      };
      expect(problems).toEqual([]);
      expect(attempts.map(({ route, proxy: by, source, ok }) => [route, by, source, ok])).toEqual([
        ['proxy#1', 'http://127.0.0.1:1', 'configured', false],
        ['proxy#2', proxy.url, 'configured', true],
        ['direct', null, null, true],
      ]);
      // One way that works does not hide a setting that does not.
      expect((await site.ctl('proxy', 'pac', '/absent.pac')).code).toBe(0);
      const half = await site.ctl('proxy', 'test');
      expect(half.stdout).toMatch(/^ok {5}direct .*\nproblem: wayfarer_proxy_pac in .*\/absent\.pac/m);
      expect(half.code).toBe(1);
      expect((await site.ctl('proxy', 'set', `http://127.0.0.1:1;${proxy.url}`)).code).toBe(0);
      await site.end('platform');
      const failed = await site.ctl('proxy', 'test');
      expect(failed.code).toBe(1);
      expect(failed.stdout).toMatch(/^failed proxy#1 .*\nfailed proxy#2 .*\nfailed direct /m);
    } finally {
      await proxy.close();
      await site.close();
    }
  });
});
