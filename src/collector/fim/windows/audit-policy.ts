import { loadKoffi } from '../../native/koffi.ts';

/*
 * Which kinds of records the host writes into its Security log (ntsecapi.h, AuditQuerySystemPolicy). auditpol.exe prints the
 * same in the language of the host.
 */

/** The kinds that are of use here, with the name that auditpol knows each by. */
export const AUDIT_KINDS = {
  /** 4688. */
  starts: { guid: '0cce922b', name: 'Process Creation' },
  /** 4689. */
  ends: { guid: '0cce922c', name: 'Process Termination' },
  /** 4663, of files whose SACL asks for it. */
  files: { guid: '0cce921d', name: 'File System' },
  /** 4657, of keys whose SACL asks for it. */
  registry: { guid: '0cce921e', name: 'Registry' },
} as const;
export type AuditKind = keyof typeof AUDIT_KINDS;

/** Which kinds are written where something succeeds. */
export type AuditPolicy = Readonly<Record<AuditKind, boolean>>;

const KINDS = Object.keys(AUDIT_KINDS) as AuditKind[];
/** What the subcategories of auditing have in common but their first number. */
const FAMILY = Buffer.from('ae69d911bed3505054503030', 'hex');
const GUID_BYTES = 16;
/** AUDIT_POLICY_INFORMATION: the subcategory, what is written, the category. */
const INFORMATION_BYTES = 36;
const POLICY_AUDIT_EVENT_SUCCESS = 1;

type Query = (subcategories: Buffer, count: number, policy: [unknown]) => number;

/** Loads advapi32.dll and kernel32.dll, or the libraries of a test. Throws off Windows; what it gives throws Windows' error number. */
export function loadAuditPolicy(advapi = 'advapi32.dll', kernel = 'kernel32.dll'): () => AuditPolicy {
  const koffi = loadKoffi();
  const advapi32 = koffi.load(advapi);
  const query = advapi32.func(
    'uint8 __stdcall AuditQuerySystemPolicy(void *subcategories, uint32 count, _Out_ void **policy)',
  ) as unknown as Query;
  const free = advapi32.func('void __stdcall AuditFree(void *buffer)') as unknown as (
    buffer: unknown,
  ) => void;
  const lastError = koffi.load(kernel).func('uint32 __stdcall GetLastError()') as unknown as () => number;
  return () => {
    const policy: [unknown] = [null];
    if (query(Buffer.concat(KINDS.map(guidOf)), KINDS.length, policy) === 0) {
      throw new Error(`the audit policy can't be read: error ${lastError()}`);
    }
    try {
      const bytes = koffi.decode(policy[0], 'uint8', KINDS.length * INFORMATION_BYTES) as Uint8Array;
      return policyOf(Buffer.from(bytes));
    } finally {
      free(policy[0]);
    }
  };
}

/** A GUID as Windows has it in memory: its first three numbers are little-endian. */
function guidOf(kind: AuditKind): Buffer {
  const first = Buffer.from(AUDIT_KINDS[kind].guid, 'hex').reverse();
  return Buffer.concat([first, FAMILY]);
}

function policyOf(bytes: Buffer): AuditPolicy {
  const isOn = (kind: AuditKind): boolean =>
    (bytes.readUInt32LE(KINDS.indexOf(kind) * INFORMATION_BYTES + GUID_BYTES) &
      POLICY_AUDIT_EVENT_SUCCESS) !==
    0;
  return { starts: isOn('starts'), ends: isOn('ends'), files: isOn('files'), registry: isOn('registry') };
}

/** What to do to have records of these kinds, for people. */
export function howToAudit(kinds: readonly AuditKind[]): string {
  const names = kinds.map((kind) => `"${AUDIT_KINDS[kind].name}"`);
  return `turn on ${names.join(' and ')} (Success) in the advanced audit policy`;
}
