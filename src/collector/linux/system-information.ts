import type * as Systeminformation from 'systeminformation';
import type { ReadContext } from '../table.ts';

/**
 * The systeminformation library, loaded on first use; `undefined` below a laid-out root, since it reads this machine.
 * It knows what files alone do not tell: hypervisors, boards without DMI, batteries of many makers.
 */
export async function systemInformation(
  context: Pick<ReadContext, 'root'>,
): Promise<typeof Systeminformation | undefined> {
  if (context.root !== '/') return undefined;
  return import('systeminformation');
}

/** A text of the library: it writes an absent one as '', '-' or a maker's placeholder. */
export function known(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return /^(?:|-|unknown|none|not specified|not available|default string|system serial number|system product name|system manufacturer|to be filled by o\.?e\.?m\.?|0+)$/i.test(
    trimmed,
  )
    ? null
    : trimmed;
}
