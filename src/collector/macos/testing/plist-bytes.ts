/** A list of the given objects, written byte by byte; offsets of two bytes, references of one. */
export function listOf(objects: readonly Uint8Array[], offsets?: readonly number[]): Buffer {
  const starts: number[] = [];
  let at = 8;
  for (const object of objects) {
    starts.push(at);
    at += object.length;
  }
  const table = Buffer.concat((offsets ?? starts).map((offset) => Buffer.from([offset >> 8, offset & 0xff])));
  const trailer = Buffer.alloc(32);
  trailer.writeUInt8(2, 6);
  trailer.writeUInt8(1, 7);
  trailer.writeBigUInt64BE(BigInt((offsets ?? starts).length), 8);
  trailer.writeBigUInt64BE(BigInt(at), 24);
  return Buffer.concat([Buffer.from('bplist00'), ...objects, table, trailer]);
}
