import { z } from 'zod';

/** Longest path of Linux, in bytes (PATH_MAX, limits.h). */
const MAX_PATH_BYTES = 4_096;

/** Longest pattern of a task, in characters. */
const MAX_PATTERN = 1_024;

const ABSOLUTE = /^(\/|[A-Za-z]:\\)/;

/**
 * A path as a manifest may name it: absolute, no `..`, no NUL. Readers join it to the root of the host,
 * so that what passes here cannot leave that root by name; links are the file helpers' business.
 */
export const HostPath = z
  .string()
  .min(1)
  .refine((path) => ABSOLUTE.test(path), { message: 'the path is not absolute' })
  .refine((path) => !path.includes('\0'), { message: 'the path holds a NUL' })
  .refine((path) => !path.split(/[/\\]/).includes('..'), { message: 'the path holds ..' })
  .refine(
    (path) => !/[/\\]{2}|[/\\]\.(?:[/\\]|$)/.test(path.slice(2)) && !/^[/\\]{2}|^\/\.(?:\/|$)/.test(path),
    {
      message: 'the path is not in its shortest form',
    },
  )
  .refine((path) => Buffer.byteLength(path) <= MAX_PATH_BYTES, { message: 'the path is too long' });

const Pattern = z.string().min(1).max(MAX_PATTERN);

export const FileParams = z.strictObject({
  path: HostPath,
  hash: z.boolean().default(false),
  match: Pattern.optional(),
});
export type FileParams = z.output<typeof FileParams>;

export const ConfigLineParams = z.strictObject({ path: HostPath, match: Pattern });
export type ConfigLineParams = z.output<typeof ConfigLineParams>;

/** Names as sysctl(8) takes them; a slash stands for a dot inside a segment, as in VLAN interface names. */
export const SysctlParams = z.strictObject({
  name: z
    .string()
    .max(256)
    .regex(/^[A-Za-z0-9_@:-]+([./][A-Za-z0-9_@:-]+)*$/, { message: 'not the name of a kernel parameter' }),
});
export type SysctlParams = z.output<typeof SysctlParams>;

export const CertificateParams = z.strictObject({ path: HostPath });
export type CertificateParams = z.output<typeof CertificateParams>;

export const RegistryParams = z.strictObject({
  path: z
    .string()
    .max(1_024)
    .regex(/^(HKLM|HKCU|HKCR|HKU|HKCC|HKEY_[A-Z_]+)(\\[^\\\0]{1,255})+$/, { message: 'not a registry key' }),
  name: z.string().max(16_383).optional(),
});
export type RegistryParams = z.output<typeof RegistryParams>;

export const PlistParams = z.strictObject({ path: HostPath, key: z.string().max(1_024).optional() });
export type PlistParams = z.output<typeof PlistParams>;
