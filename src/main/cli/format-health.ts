import type { Check, CheckState, Health } from '../health/health.ts';
import { harmless } from './harmless.ts';

const SIGNS: Record<CheckState, string> = { good: 'ok', attention: 'attention', bad: 'BAD' };

/** Width of the first column: the longest sign and two blanks. */
const INDENT = 11;

/** Health as people read it in a terminal: the verdict, the next step, then every check. */
export function formatHealth({ headline, nextStep, checks, skipped }: Health): string {
  const lines = [
    headline,
    ...(nextStep === null ? [] : [`Next step: ${nextStep}`]),
    '',
    ...checks.flatMap(checkLines),
    ...skipped.map(({ name, reason }) => `${'-'.padEnd(INDENT)}${name}: not checked, ${reason}`),
  ];
  return `${lines.map(harmless).join('\n')}\n`;
}

function checkLines({ name, state, detail, nextStep }: Check): string[] {
  return [
    `${SIGNS[state].padEnd(INDENT)}${name}: ${detail}`,
    ...(nextStep === null ? [] : [`${' '.repeat(INDENT)}→ ${nextStep}`]),
  ];
}
