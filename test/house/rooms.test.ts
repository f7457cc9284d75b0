import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type IFlattenedRuleSet } from 'dependency-cruiser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import config from '../../dependency-cruiser.config.ts';

let house: string;

beforeEach(() => {
  house = mkdtempSync(join(tmpdir(), 'wayfarer-rooms-'));
});
afterEach(() => {
  rmSync(house, { recursive: true, force: true });
});

/** The names of the rules that a small house with these files breaks. */
async function brokenRules(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true });
    writeFileSync(join(house, path), text);
  }
  const ruleSet: IFlattenedRuleSet = { forbidden: config.forbidden };
  const options: ICruiseOptions = { ruleSet, validate: true, baseDir: house, tsPreCompilationDeps: true };
  const { output } = await cruise(['src'], options);
  if (typeof output === 'string') throw new Error('expected a result object');
  return [...new Set(output.summary.violations.map((violation) => violation.rule.name))].sort();
}

const thing = 'export const thing = 1;\n';

describe('the rule that separates the rooms', () => {
  it.each([
    ['shared', 'wire', 'shared-imports-only-itself'],
    ['wire', 'main', 'wire-imports-only-shared'],
    ['collector', 'main', 'collector-imports-only-shared-wire'],
    ['main', 'collector', 'main-imports-only-shared-wire'],
    ['platform', 'main', 'platform-imports-only-shared-wire'],
    ['renderer', 'wire', 'renderer-imports-only-shared'],
  ])('refuses an import from %s into %s', async (from, to, rule) => {
    const broken = await brokenRules({
      [`src/${from}/a.ts`]: `import { thing } from '../${to}/b.ts';\nexport const other = thing;\n`,
      [`src/${to}/b.ts`]: thing,
    });
    expect(broken).toEqual([rule]);
  });

  it('also refuses an import of types alone', async () => {
    const broken = await brokenRules({
      'src/collector/a.ts': `import type { Thing } from '../main/b.ts';\nexport type Other = Thing;\n`,
      'src/main/b.ts': 'export type Thing = string;\n',
    });
    expect(broken).toEqual(['collector-imports-only-shared-wire']);
  });

  it('lets every room import what it may', async () => {
    const use = (path: string) => `import { thing } from '${path}';\nexport const other = thing;\n`;
    const broken = await brokenRules({
      'src/shared/b.ts': thing,
      'src/wire/a.ts': use('../shared/b.ts'),
      'src/collector/a.ts': use('../wire/a.ts').replace('{ thing }', '{ other as thing }'),
      'src/main/a.ts': use('../shared/b.ts'),
    });
    expect(broken).toEqual([]);
  });

  it('refuses input and output in the pure rooms, but lets wire use node:crypto', async () => {
    const broken = await brokenRules({
      'src/shared/a.ts': `import { readFileSync } from 'node:fs';\nexport const a = readFileSync;\n`,
      'src/wire/a.ts': `import { createHash } from 'node:crypto';\nexport const a = createHash;\n`,
      'src/wire/b.ts': `import { connect } from 'node:net';\nexport const b = connect;\n`,
    });
    expect(broken).toEqual(['shared-does-no-io', 'wire-does-no-io']);
  });

  it('refuses a network module in the collector', async () => {
    const broken = await brokenRules({
      'src/collector/a.ts': `import { request } from 'node:https';\nexport const a = request;\n`,
    });
    expect(broken).toEqual(['collector-has-no-network']);
  });

  it('refuses cycles, and source that imports test code', async () => {
    const broken = await brokenRules({
      'src/main/a.ts': `import { b } from './b.ts';\nexport const a = (): number => b();\n`,
      'src/main/b.ts': `import { a } from './a.ts';\nexport const b = (): number => a();\n`,
      'src/main/c.ts': `import { d } from './d.test.ts';\nexport const c = d;\n`,
      'src/main/d.test.ts': 'export const d = 1;\n',
    });
    expect(broken).toEqual(['no-cycles', 'source-does-not-import-tests']);
  });

  it('refuses a value of electron outside src/main/desktop, but not its types', async () => {
    const broken = await brokenRules({
      'src/main/agent/a.ts': `import { app } from 'electron';\nexport const a = app;\n`,
      'src/main/agent/types.ts': `import type { App } from 'electron';\nexport type A = App;\n`,
      'src/main/desktop/tray.ts': `import { Tray } from 'electron';\nexport const t = Tray;\n`,
    });
    expect(broken).toEqual(['electron-values-only-in-desktop']);
  });
});
