import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { callChain } from '../../scripts/requirements/test-names.ts';

/*
 * A run names what it skipped by its title alone, so a test that may be skipped carries the reason there:
 * it.skipIf(reason !== undefined)(`does something${because(reason)}`, …)
 */

const ROOT = join(import.meta.dirname, '..', '..');
const RUNNERS = new Set(['it', 'test', 'describe', 'suite']);
/** Ways to leave a test out that give no place for a reason, or a second spelling of the one that does. */
const REFUSED = new Set(['skip', 'todo', 'runIf']);

function identifiers(node: ts.Node): string[] {
  if (ts.isIdentifier(node)) return node.text === 'undefined' ? [] : [node.text];
  const found: string[] = [];
  ts.forEachChild(node, (child) => {
    found.push(...identifiers(child));
  });
  return found;
}

/** The condition of `it.skipIf(condition)` somewhere along the callee of a test. */
function skipCondition(callee: ts.Expression): ts.Expression | undefined {
  if (ts.isCallExpression(callee)) {
    const { expression } = callee;
    if (ts.isPropertyAccessExpression(expression) && expression.name.text === 'skipIf')
      return callee.arguments[0];
    return skipCondition(expression);
  }
  return ts.isPropertyAccessExpression(callee) ? skipCondition(callee.expression) : undefined;
}

/** Whether a title fills in a value that the condition looks at. */
function carriesReason(title: ts.Expression | undefined, condition: ts.Expression): boolean {
  if (title === undefined || !ts.isTemplateExpression(title)) return false;
  const looked = new Set(identifiers(condition));
  return title.templateSpans.some((span) => identifiers(span.expression).some((name) => looked.has(name)));
}

/** The titles of the suites around a test, the nearest first. */
function titlesAround(node: ts.Node): ts.Expression[] {
  const titles: ts.Expression[] = [];
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    const title = ts.isCallExpression(at) ? at.arguments[0] : undefined;
    if (ts.isCallExpression(at) && title !== undefined && callChain(at.expression)[0] === 'describe')
      titles.push(title);
  }
  return titles;
}

/** What is wrong with a call, if it leaves out a test without a word. */
function flaw(call: ts.CallExpression): string | undefined {
  const [first = '', ...modifiers] = callChain(call.expression);
  if (first === 'skip' || modifiers.at(-1) === 'skip') return 'skips without a reason in the title';
  if (!RUNNERS.has(first)) return undefined;
  const refused = modifiers.find((name) => REFUSED.has(name));
  if (refused !== undefined) return `${refused}: take skipIf with a reason`;
  // In `it.skipIf(…).each(…)(title, …)` only the last call has the title.
  if (ts.isCallExpression(call.parent) && call.parent.expression === call) return undefined;
  const condition = skipCondition(call.expression);
  if (condition === undefined) return undefined;
  const titles = [call.arguments[0], ...titlesAround(call)];
  if (titles.some((title) => carriesReason(title, condition))) return undefined;
  return 'skipIf whose title does not carry the reason';
}

/** `line: what is wrong` for every test of a source that may be left out without its title saying why. */
function silentSkips(source: string): string[] {
  const file = ts.createSourceFile('x.test.ts', source, ts.ScriptTarget.ESNext, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const wrong = ts.isCallExpression(node) ? flaw(node) : undefined;
    if (wrong !== undefined) {
      found.push(`${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${wrong}`);
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

describe('the rule that a skipped test says why', () => {
  it.each([
    "it.skip('a', () => {});",
    "it.todo('a');",
    "it.runIf(root)('a', () => {});",
    "it('a', (context) => { context.skip(); });",
    "it('a', ({ skip }) => { skip(true, 'why'); });",
    "describe.skip('a', () => {});",
    "it.skipIf(!root)('a', () => {});",
    "it.skipIf(why !== undefined)('a', () => {});",
    'it.skipIf(why !== undefined)(`a ${other}`, () => {});',
    "describe.skipIf(why !== undefined).each([1])('a %s', () => {});",
    "describe('a', () => { it.skipIf(why !== undefined)(`b`, () => {}); });",
  ])('refuses %s', (source) => {
    expect(silentSkips(source)).toHaveLength(1);
  });

  it.each([
    'it.skipIf(why !== undefined)(`a${because(why)}`, () => {});',
    "it.skipIf(why !== undefined)(`a ${why ?? ''}`, () => {});",
    'describe.skipIf(why !== undefined).each([1])(`a %s${because(why)}`, () => {});',
    'describe(`a${because(why)}`, () => { it.skipIf(why !== undefined)(`b`, () => {}); });',
    "it('a', () => { expect(b).toBe(1); });",
  ])('takes %s', (source) => {
    expect(silentSkips(source)).toEqual([]);
  });

  it('holds for every test of the tree', () => {
    const files = globSync('{src,test}/**/*.test.ts', { cwd: ROOT });
    expect(files.length).toBeGreaterThan(100);
    const silent = files.flatMap((path) =>
      silentSkips(readFileSync(join(ROOT, path), 'utf8')).map((line) => `${path}:${line}`),
    );
    expect(silent).toEqual([]);
  });
});
