import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../test/support/reason.ts';
import { resolvePaths } from '../host/paths.ts';
import { COMPLETIONS, type Shell } from './completion-scripts.ts';
import { allCommands, describeProgram } from './describe.ts';
import { buildProgram } from './program.ts';

const program = describeProgram(buildProgram(resolvePaths('linux', undefined, {})));

let folder: string;
const scriptOf = (shell: Shell): string => join(folder, `completion.${shell}`);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wf-completion-'));
  for (const shell of Object.keys(COMPLETIONS) as Shell[]) {
    writeFileSync(scriptOf(shell), COMPLETIONS[shell](program));
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const run = (file: string, ...args: string[]): string[] =>
  execFileSync(file, args, { encoding: 'utf8', env: { ...process.env, HOME: folder } })
    .split('\n')
    .filter((line) => line !== '');

/** What each shell offers at the end of a line; `words` without the program, the last one half typed. */
const OFFERS: Readonly<Record<Shell, (words: readonly string[]) => string[]>> = {
  bash: (words) => {
    const line = ['wayfarerctl', ...words].map((word) => `'${word}'`).join(' ');
    const ask = `COMP_WORDS=(${line}); COMP_CWORD=${String(words.length)}; _wayfarerctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run('bash', '--norc', '-c', `. "${scriptOf('bash')}"; ${ask}`);
  },
  // Without a line editor: what would be handed to it is printed.
  zsh: (words) => {
    const line = ['wayfarerctl', ...words].map((word) => `'${word}'`).join(' ');
    const doubles = `compdef() {}; _files() {}; _describe() { [ "$1" = -o ] && shift; print -l -- "\${(@P)2}"; }`;
    const found = run(
      'zsh',
      '-f',
      '-c',
      `${doubles}; . "${scriptOf('zsh')}"; words=(${line}); CURRENT=${String(words.length + 1)}; _wayfarerctl`,
    );
    return found
      .map((offer) => offer.replace(/:.*$/, ''))
      .filter((word) => word.startsWith(words.at(-1) ?? ''));
  },
  fish: (words) => {
    const found = run(
      'fish',
      '--no-config',
      '-c',
      `source "${scriptOf('fish')}"; complete -C "wayfarerctl ${words.join(' ')}"`,
    );
    return found.map((offer) => offer.replace(/\t.*$/, ''));
  },
};

const SHELLS = [
  ['bash', noProgram('bash', 'bash')],
  ['zsh', noProgram('zsh', 'zsh')],
  ['fish', noProgram('fish', 'fish')],
] as const;

for (const [shell, missing] of SHELLS) {
  describe.skipIf(missing !== undefined)(`completion in ${shell}${because(missing)}`, () => {
    const offers = (...words: string[]): string[] => OFFERS[shell](words).sort();

    it('offers the commands, those below them, and what they take', () => {
      expect(offers('pro')).toEqual(['profile', 'provision', 'proxy']);
      expect(offers('proxy', 's')).toEqual(['set', 'show', 'system']);
      expect(offers('scan', 'v')).toEqual(['vm']);
      expect(offers('completion', 'z')).toEqual(['zsh']);
    });

    it('offers the options of the command that the line is about, and no others', () => {
      expect(offers('scan', 'vm', '--c')).toEqual(['--cpu-limit']);
      expect(offers('scan', '--wait', '--j')).toEqual(['--json']);
      expect(offers('proxy', 'show', '--c')).toEqual([]);
      expect(offers('logs', '--f')).toEqual(['--follow']);
    });
  });
}

describe('a described program', () => {
  it('has a text for each command and option, and an example or a plain use for each', () => {
    const commands = allCommands(program);
    expect(commands.length).toBeGreaterThan(25);
    for (const { path, text, options } of commands) {
      expect(`${path.join(' ')}: ${text}`).toMatch(/: .{10,}/);
      for (const option of options) expect(`${option.long} ${option.text}`).toMatch(/^--[a-z-]+ .{5,}/);
    }
  });

  it('knows values, choices and what stands below the help', () => {
    const logs = allCommands(program).find(({ path }) => path.join(' ') === 'logs');
    expect(logs?.options.find(({ long }) => long === '--level')).toMatchObject({
      value: 'level',
      choices: ['error', 'warn', 'info', 'debug', 'trace'],
    });
    expect(logs?.options.find(({ long }) => long === '--follow')).toMatchObject({ short: '-f', value: '' });
    expect(logs?.after).toMatch(/^Examples:\n {2}wayfarerctl logs/);
  });

  it('has --json wherever something is printed for people', () => {
    const plain = allCommands(program)
      .filter(
        ({ commands, options }) => commands.length === 0 && !options.some(({ long }) => long === '--json'),
      )
      .map(({ path }) => path.join(' '));
    expect(plain).toEqual(['completion']);
  });
});
