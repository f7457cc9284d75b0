import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Locked, lockDataDir } from './lock.ts';

let directory: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wayfarer-lock-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

/** A process that holds the lock until it is killed. */
async function holder(): Promise<ChildProcess> {
  const program = `
    import { lockDataDir } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)};
    await lockDataDir(${JSON.stringify(directory)});
    process.stdout.write('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

describe('the lock of a data directory', () => {
  it('is refused to a second process, which names the first, and is free after SIGKILL', async () => {
    const child = await holder();
    const refused = lockDataDir(directory);
    await expect(refused).rejects.toThrow(Locked);
    await expect(refused).rejects.toThrow(`in use by process ${String(child.pid)}:`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const unlock = await lockDataDir(directory);
    unlock();
  });

  it('can be taken again once it was given back', async () => {
    for (let n = 0; n < 3; n += 1) {
      const unlock = await lockDataDir(directory);
      unlock();
    }
    expect((await holder()).pid).toBeGreaterThan(0);
  });

  it('is taken although its file was damaged: nothing stands in it', async () => {
    for (const rubbish of [
      'not a database, but long enough to be read as the header of one'.repeat(200),
      'x',
    ]) {
      writeFileSync(join(directory, 'lock.db'), rubbish);
      const unlock = await lockDataDir(directory);
      unlock();
    }
  });

  it('is not taken from its owner by damaging its file', async () => {
    const child = await holder();
    writeFileSync(join(directory, 'lock.db'), 'not a database '.repeat(500));
    await expect(lockDataDir(directory)).rejects.toThrow(`in use by process ${String(child.pid)}:`);
  });
});
