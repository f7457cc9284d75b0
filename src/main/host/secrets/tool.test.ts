import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noRoot } from '../../../../test/support/reason.ts';
import { findSystemTool, runTool, ToolFailed } from './tool.ts';

describe('a tool of the operating system', () => {
  it('gets its input on standard input and gives its output', async () => {
    expect(await runTool(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], 'hunter2 é')).toBe(
      'hunter2 é',
    );
  });

  it('inherits nothing of the environment', async () => {
    process.env['WAYFARER_TEST_VARIABLE'] = 'seen';
    const names = await runTool(process.execPath, ['-p', 'Object.keys(process.env).sort().join()'], '');
    delete process.env['WAYFARER_TEST_VARIABLE'];
    expect(names.trim()).toBe('LC_ALL,PATH');
  });

  it('fails with its code and its last line, without its input', async () => {
    const script = 'console.error("warning"); console.error("no TPM"); process.exit(44)';
    const failure: unknown = await runTool(process.execPath, ['-e', script], 'hunter2').catch(
      (e: unknown) => e,
    );
    expect(failure).toBeInstanceOf(ToolFailed);
    expect((failure as ToolFailed).code).toBe(44);
    expect((failure as ToolFailed).message).toContain('no TPM');
    expect((failure as ToolFailed).message).not.toContain('hunter2');
    expect((failure as ToolFailed).message).not.toContain('warning');
  });

  it('fails when it writes without end, or does not exist', async () => {
    const endless = 'for (;;) require("node:fs").writeSync(1, "x".repeat(65536))';
    await expect(runTool(process.execPath, ['-e', endless], '')).rejects.toThrow(ToolFailed);
    await expect(runTool('/nonexistent/tool', [], 'input')).rejects.toThrow('ENOENT');
  });
});

describe('looking for a tool', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'wf-tool-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('finds nothing that is not there or no program', () => {
    expect(findSystemTool([join(directory, 'absent'), directory])).toBeUndefined();
  });

  it.skipIf(noRoot !== undefined)(
    `takes only programs of root that nobody else may write${because(noRoot)}`,
    () => {
      const tool = join(directory, 'tool');
      const link = join(directory, 'link');
      writeFileSync(tool, '#!/bin/true\n');
      symlinkSync(tool, link);
      chmodSync(tool, 0o755);
      expect(findSystemTool(['/nonexistent', link])).toBe(link);
      chmodSync(tool, 0o775);
      expect(findSystemTool([link, tool])).toBeUndefined();
      chmodSync(tool, 0o644);
      expect(findSystemTool([tool])).toBeUndefined();
      chmodSync(tool, 0o755);
      chownSync(tool, 65_534, 65_534);
      expect(findSystemTool([link, tool])).toBeUndefined();
    },
  );
});
