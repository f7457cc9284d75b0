import { describe, expect, it } from 'vitest';
import { loadKoffi } from './koffi.ts';

describe('koffi', () => {
  it('gives calls in threads the stack that name lookups need, also to whoever loads it second', () => {
    const libc = { linux: 'libc.so.6', darwin: 'libc.dylib', win32: 'msvcrt.dll' }[
      process.platform as 'linux'
    ];
    loadKoffi().load(libc);
    expect(loadKoffi().config().async_stack_size).toBe(1024 * 1024);
  });
});
