import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { because, noLinux, noLinuxRoot } from '../../../test/support/reason.ts';
import { readProcess } from './read-process.ts';

describe('reading a process', () => {
  it.skipIf(noLinux !== undefined)(`knows the file that its path leads to here${because(noLinux)}`, () => {
    expect(readProcess(process.pid)).toMatchObject({ executable: process.execPath, isPlaced: true });
  });

  it.skipIf(noLinuxRoot !== undefined)(
    `knows that a path of another mount namespace leads elsewhere here${because(noLinuxRoot)}`,
    async () => {
      const script = 'mount --bind /usr/bin/sleep /usr/bin/true && exec /usr/bin/true 60';
      const child = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: 'ignore' });
      onTestFinished(() => void child.kill());
      const read = await vi.waitUntil(() => {
        const now = readProcess(child.pid ?? 0);
        return now?.executable === '/usr/bin/true' && now.arguments.length > 0 ? now : undefined;
      });
      expect(read.arguments.toString()).toBe('/usr/bin/true\x0060\x00');
      expect(read.isPlaced).toBe(false);
    },
  );
});
