import { z } from 'zod';
import type { DevelopmentIntervals } from './facts.ts';

/** Environment variable that shortens intervals for development and tests; the agent names it in its status. */
export const DEVELOPMENT_SWITCH = 'WAYFARER_DEV_INTERVALS';

const Intervals = z.strictObject({
  statusIntervalSec: z.coerce.number().min(0.1).max(2700).optional(),
  deltaUploadIntervalSec: z.coerce.number().min(0).max(1800).optional(),
  payloadThresholdSec: z.coerce.number().min(0).max(1800).optional(),
  changeGapSec: z.coerce.number().min(0).max(3600).optional(),
  retrySec: z.coerce.number().min(0.05).max(3600).optional(),
  samplesApartSec: z.coerce.number().min(0.1).max(10).optional(),
});

/** Name and value; one without a value is not a number, rather than 0 or absent. */
function parsePair(pair: string): [string, string | number] {
  const [name = '', value = ''] = pair.split('=');
  return [name, value === '' ? NaN : value];
}

/**
 * Reads `statusIntervalSec=5,deltaUploadIntervalSec=0`; empty without the switch. A platform can never set these
 * (product, "Parameters"). Throws an `Error` that names what is wrong.
 */
export function developmentIntervals(environment: NodeJS.ProcessEnv): DevelopmentIntervals {
  const text = environment[DEVELOPMENT_SWITCH];
  if (text === undefined || text === '') return {};
  const parsed = Intervals.safeParse(Object.fromEntries(text.split(',').map(parsePair)));
  if (parsed.success) {
    return Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined));
  }
  const issue = parsed.error.issues[0];
  throw new Error(`${DEVELOPMENT_SWITCH}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}
