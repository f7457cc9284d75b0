import { redact, redactArguments } from '../../linux/redact.ts';

/** winnt.h. */
const REG_SZ = 1;
const REG_EXPAND_SZ = 2;
const REG_DWORD = 4;
const REG_MULTI_SZ = 7;
const REG_QWORD = 11;

/** The texts of data as the Elastic Common Schema has them (`registry.data.strings`): numbers in decimal; none of other bytes. */
export function textsOfData(kind: number, data: Buffer): string[] {
  const text = data.toString('utf16le');
  switch (kind) {
    case REG_SZ:
    case REG_EXPAND_SZ:
      return [text.replace(/\0[\s\S]*$/, '')];
    case REG_MULTI_SZ:
      return text.replace(/\0+$/, '').split('\0');
    case REG_DWORD:
      return data.length === 4 ? [String(data.readUInt32LE())] : [];
    case REG_QWORD:
      return data.length === 8 ? [String(data.readBigUInt64LE())] : [];
    default:
      return [];
  }
}

/** Bounds of the texts that an event shows (`host-events.ts`): bytes, and how many. */
export const MOST_SHOWN = 32_768;
export const MOST_TEXTS = 1_024;

/** Longest data that is looked through for texts, bytes: of longer ones nothing is shown. */
export const MOST_LOOKED_THROUGH = 2 * MOST_SHOWN + 2;

/** The texts of a value without secrets. Several are the arguments of a command, of which one may say what the next one is. */
export function withoutSecrets(texts: readonly string[]): string[] {
  if (texts.length < 2) return texts.map(redact);
  // Once with a program before them, and once as they are: the first of them may be the program, or an option.
  return redactArguments(['', ...redactArguments(texts)]).slice(1);
}

/** Whether data has texts of which a part is kept back. Longer data than is shown is not looked through. */
export function holdsSecret(kind: number, data: Buffer): boolean {
  if (data.length > MOST_LOOKED_THROUGH) return false;
  const texts = textsOfData(kind, data);
  if (texts.length > MOST_TEXTS) return false;
  const shown = withoutSecrets(texts);
  return texts.some((text, at) => text !== shown[at]);
}
