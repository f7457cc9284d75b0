import * as koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { gssTypes } from './gssapi-types.ts';

describe('the C types of GSSAPI', () => {
  it.each([
    ['linux', 'x64', 16, 8],
    ['linux', 'arm64', 16, 8],
    ['darwin', 'arm64', 16, 8],
    // Apple's header packs them to two bytes on Intel.
    ['darwin', 'x64', 12, 4],
  ] as const)('are laid out as on %s %s', (platform, arch, size, pointerAt) => {
    const { oid } = gssTypes(koffi, platform, arch);
    expect([oid.size, koffi.offsetof(oid, 'elements')]).toEqual([size, pointerAt]);
  });
});
