import ts from 'typescript';

/** A test and the requirements its name carries. */
export interface NamedTest {
  readonly title: string;
  readonly line: number;
  readonly numbers: readonly string[];
}

const RUNNERS = new Set(['it', 'test']);
const NOT_RUN = new Set(['skip', 'todo']);

/** The names along `it.each(…)`, `test.skipIf(…).each`: `['it', 'each']`. */
export function callChain(expression: ts.Expression): string[] {
  if (ts.isIdentifier(expression)) return [expression.text];
  if (ts.isPropertyAccessExpression(expression)) {
    return [...callChain(expression.expression), expression.name.text];
  }
  if (ts.isCallExpression(expression)) return callChain(expression.expression);
  if (ts.isTaggedTemplateExpression(expression)) return callChain(expression.tag);
  return [];
}

function isTest(call: ts.CallExpression): boolean {
  const [runner, ...modifiers] = callChain(call.expression);
  return runner !== undefined && RUNNERS.has(runner) && !modifiers.some((name) => NOT_RUN.has(name));
}

/** The fixed text of a title; what a template fills in is left out. */
function titleText(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map((span) => span.literal.text).join('…');
}

/** Requirement numbers in a text, each once, in the order of appearance. */
export function numbersIn(text: string): string[] {
  return [...new Set(text.match(/\bR\d{3}\b/g) ?? [])];
}

/** Every test of a file that names a requirement; skipped ones and `todo`s prove nothing and are left out. */
export function namedTests(source: string): NamedTest[] {
  const file = ts.createSourceFile('x.test.ts', source, ts.ScriptTarget.ESNext, true);
  const found: NamedTest[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTest(node)) {
      const title = titleText(node.arguments[0]);
      const numbers = title === undefined ? [] : numbersIn(title);
      if (title !== undefined && numbers.length > 0) {
        found.push({
          title,
          numbers,
          line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1,
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
