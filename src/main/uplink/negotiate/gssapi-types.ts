import type * as Koffi from 'koffi';

/** gss_OID_desc and gss_buffer_desc (RFC 2744, 3.2, 3.9). */
export interface OidDesc {
  readonly length: number;
  readonly elements: Buffer;
}
export interface BufferDesc {
  length: number;
  value: unknown;
}

/** The C types of a GSS library, for koffi. */
export interface GssTypes {
  readonly oid: Koffi.TypeObject;
  readonly oidSet: Koffi.TypeObject;
  readonly buffer: Koffi.TypeObject;
  readonly credStore: Koffi.TypeObject;
}

/**
 * The types as the headers of this platform lay them out: those of macOS pack `gss_OID_desc` to two bytes on Intel,
 * where the pointer then follows the length without a gap.
 */
export function gssTypes(
  koffi: typeof Koffi,
  platform: NodeJS.Platform,
  arch: NodeJS.Architecture,
): GssTypes {
  const packed = platform === 'darwin' && (arch === 'x64' || arch === 'ia32');
  const layout = { length: 'uint32', elements: 'void *' };
  const oid = packed ? koffi.pack(layout) : koffi.struct(layout);
  const set = { count: 'size_t', elements: koffi.pointer(oid) };
  const element = koffi.struct({ key: 'char *', value: 'char *' });
  return {
    oid,
    oidSet: packed ? koffi.pack(set) : koffi.struct(set),
    buffer: koffi.struct({ length: 'size_t', value: 'void *' }),
    credStore: koffi.struct({ count: 'uint32', elements: koffi.pointer(element) }),
  };
}
