import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noLinuxRoot, noNamespaces } from '../../../test/support/reason.ts';
import { until } from '../../../test/support/until.ts';

let tree: string;
let children: ChildProcess[] = [];

beforeEach(() => {
  tree = realpathSync(mkdtempSync(join(tmpdir(), 'wf-watcher-')));
  chmodSync(tree, 0o755);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rmSync(tree, { recursive: true, force: true });
});

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] as const;
const SCRIPT = join(import.meta.dirname, '../../../test/support/file-watcher-process.ts');

/** Starts a watcher in a process of its own below `command`. */
function watcherProcess([file, ...command]: readonly [string, ...string[]], rules: readonly unknown[]) {
  const args = [...command, process.execPath, SCRIPT, JSON.stringify(rules)];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  const lines = (): Record<string, unknown>[] =>
    printed
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return (what: string, found: (line: Record<string, unknown>) => boolean) =>
    until(what, () => lines().find(found), 20_000);
}

describe.skipIf(noLinuxRoot !== undefined)(`the file watcher without rights${because(noLinuxRoot)}`, () => {
  it('R200 R208 watches what it may read as nobody, although a directory in between is closed to it', async () => {
    mkdirSync(join(tree, 'closed', 'sub'), { recursive: true });
    mkdirSync(join(tree, 'open'));
    chmodSync(join(tree, 'closed'), 0o700);
    const heard = watcherProcess(NOBODY, [{ kind: 'directory', path: tree }]);
    const { ready } = await heard('the watcher', (line) => 'ready' in line);
    expect(ready).toMatchObject([{ method: 'file watcher' }]);
    writeFileSync(join(tree, 'open', 'file'), '');
    expect(await heard('the file', (line) => line['path'] === join(tree, 'open', 'file'))).toBeDefined();
  });
});

const noUserNamespace = noNamespaces(['-Ur']);

describe.skipIf(noUserNamespace !== undefined)(
  `the file watcher at the limit of watches${because(noUserNamespace)}`,
  () => {
    const limited = [
      'unshare',
      '-Ur',
      'sh',
      '-c',
      'echo 40 > /proc/sys/user/max_inotify_watches; exec "$@"',
      'sh',
    ] as const;

    it('R208 says so where the tree has more directories than watches are left', async () => {
      for (let at = 0; at < 60; at += 1) mkdirSync(join(tree, `d${at}`));
      const heard = watcherProcess(limited, [{ kind: 'directory', path: tree }]);
      const { ready } = await heard('the watcher', (line) => 'ready' in line);
      expect(ready).toMatchObject([{ mount: tree, method: 'rescan only' }]);
      expect(await heard('the reason', (line) => 'failed' in line)).toMatchObject({
        failed: expect.stringContaining('the limit of inotify watches is reached') as string,
      });
    });

    it('R208 notices that new directories find no watch any more', async () => {
      const heard = watcherProcess(limited, [{ kind: 'directory', path: tree }]);
      await heard('the watcher', (line) => 'ready' in line);
      for (let at = 0; at < 60; at += 1) mkdirSync(join(tree, `d${at}`));
      const told = await heard('the reason', (line) => 'failed' in line);
      expect(told['failed']).toContain('the limit of inotify watches is reached');
    });
  },
);
