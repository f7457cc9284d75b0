import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MountState } from '../../shared/sensor.ts';
import { ruleWith } from '../fim/testing/fim-rules.ts';
import { rulePaths, whyNotHeard } from './rule-paths.ts';

let dir: string;

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'wf-rule-paths-')));
  mkdirSync(join(dir, 'real', 'hangs', 'below'), { recursive: true });
  writeFileSync(join(dir, 'real', 'hangs', 'below', 'file'), '');
  symlinkSync('real', join(dir, 'link'));
  symlinkSync(join(dir, 'real', 'hangs'), join(dir, 'to-server'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Paths on a host where `real/hangs` is a mount of this type. */
const paths = (type: string) =>
  rulePaths('linux', () =>
    Buffer.from(
      `1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:50 / ${dir}/real/hangs rw - ${type} server:/x rw\n`,
    ),
  );

describe('the way to the path of a rule', () => {
  it('has its links resolved, up to what does not exist', () => {
    const { real } = paths('ext4');
    expect(real(ruleWith({ path: join(dir, 'link', 'hangs') }))).toBe(join(dir, 'real', 'hangs'));
    expect(real(ruleWith({ path: join(dir, 'link', 'new', 'deeper') }))).toBe(
      join(dir, 'real', 'new', 'deeper'),
    );
    const file = ruleWith({ kind: 'symlink', path: join(dir, 'link') });
    expect(real(file)).toBe(join(dir, 'link'));
    expect(real(ruleWith({ kind: 'registry', path: 'HKLM\\A' }))).toBe('HKLM\\A');
  });

  it('ends by itself where links lead in a circle', () => {
    symlinkSync('circle', join(dir, 'circle'));
    expect(paths('ext4').real(ruleWith({ path: join(dir, 'circle') }))).toBe(join(dir, 'circle'));
  });

  it.each(['nfs4', 'fuse.sshfs'])('is not followed into a filesystem of type %s', (type) => {
    const { real, stateOf } = paths(type);
    // What is absent there would be told as absent if it were asked for.
    const there = join(dir, 'real', 'hangs', 'nothing');
    expect(real(ruleWith({ path: join(dir, 'to-server', 'nothing') }))).toBe(there);
    for (const path of [there, join(dir, 'real', 'hangs'), join(dir, 'to-server', 'nothing')])
      expect(stateOf(ruleWith({ path }))).toMatchObject({
        state: 'unreadable',
        reason: expect.stringContaining(`it is on ${dir}/real/hangs (${type})`) as string,
      });
    expect(stateOf(ruleWith({ path: dir }))).toMatchObject({ state: 'watching' });
  });

  it('is asked for on a local filesystem, and on the one that programs run from', () => {
    const path = join(dir, 'real', 'hangs', 'nothing');
    expect(paths('ext4').stateOf(ruleWith({ path }))).toMatchObject({ state: 'absent' });
    const diskless = rulePaths('linux', () => Buffer.from('1 0 0:20 / / rw - nfs4 server:/root rw\n'));
    expect(diskless.stateOf(ruleWith({ path }))).toMatchObject({ state: 'absent' });
  });
});

describe('whether changes of a path are heard', () => {
  const files = { provider: 'fanotify', trouble: undefined };
  const mount = (point: string, method: MountState['method']): MountState => {
    return { mount: point, filesystem: 'x', method, note: 'why' };
  };

  it('is decided by the nearest mount', () => {
    const mounts = [
      mount('/', 'filesystem mark'),
      mount('/srv', 'rescan only'),
      mount('/srv/x', 'inode marks'),
    ];
    const why = (path: string) => whyNotHeard(path, { ...files, mounts }, 'linux');
    expect(why('/etc')).toBeUndefined();
    expect(why('/srvs')).toBeUndefined();
    expect(why('/srv/x/y')).toBeUndefined();
    expect(why('/srv')).toBe('looked at in walks alone: /srv: why');
    expect(why('/srv/y')).toBe('looked at in walks alone: /srv: why');
  });

  it('on Windows does not depend on the case of letters', () => {
    const mounts = [mount('C:\\', 'change journal'), mount('D:\\Watched', 'rescan only')];
    const why = (path: string) => whyNotHeard(path, { ...files, mounts }, 'win32');
    expect(why('c:\\etc')).toBeUndefined();
    expect(why('d:\\watched\\x')).toBe('looked at in walks alone: D:\\Watched: why');
  });

  it('is denied while no source runs', () => {
    const none = { provider: undefined, trouble: 'EPERM', mounts: [] };
    expect(whyNotHeard('/etc', none, 'linux')).toBe('EPERM');
    expect(whyNotHeard('/etc', { ...none, trouble: undefined }, 'linux')).toContain('no source');
  });
});
