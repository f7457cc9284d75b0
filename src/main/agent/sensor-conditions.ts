import { SENSOR_PROBLEMS, type SensorState } from '../../shared/sensor.ts';
import type { Context } from './context.ts';

/** Most problems of one code that its condition names. */
const MOST_NAMED = 3;

/** Says what is wrong with watching as the sensor last said it, and no longer what was; `null`: nothing is watched. */
export function noteSensorProblems(context: Context, state: Pick<SensorState, 'problems'> | null): void {
  const { conditions, clock } = context;
  for (const code of SENSOR_PROBLEMS) {
    const texts = (state?.problems ?? []).filter((problem) => problem.code === code).map(({ text }) => text);
    if (texts.length === 0) conditions.clear(code);
    else conditions.raise(code, clock.now(), { text: sentence(texts) });
  }
}

/** Several texts as one, without the full stop that the condition's own text has. */
function sentence(texts: readonly string[]): string {
  const named = texts.slice(0, MOST_NAMED).map((text) => text.replace(/\.+$/, ''));
  const more = texts.length - named.length;
  return more > 0 ? `${named.join('; ')}; and ${String(more)} more` : named.join('; ');
}
