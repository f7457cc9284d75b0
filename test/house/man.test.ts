import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manPage } from '../../scripts/docs/man.ts';
import { because, noProgram } from '../support/reason.ts';

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'man', 'wayfarerctl.1');
const noGroff = noProgram('groff', 'groff-base');

describe('the manual page', () => {
  it('is the one that the commands make', () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(manPage());
  });

  it('tells of every command, of exit codes and files', () => {
    const text = manPage();
    for (const part of [
      '.SS scan <type>',
      '.SS proxy fail\\-open <state>',
      '.SH EXIT STATUS',
      '.B 8',
      'agent.conf',
    ]) {
      expect(text).toContain(part);
    }
  });

  it.skipIf(noGroff !== undefined)(`is set without a warning${because(noGroff)}`, () => {
    const { status, stdout, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', PAGE], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('wayfarerctl');
  });
});
