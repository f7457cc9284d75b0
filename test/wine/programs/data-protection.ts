import { loadDataProtection } from '../../../src/main/host/secrets/dpapi-library.ts';

/** Seals every byte there is and opens it again, by the right name and by another. */
export function work(): unknown {
  const every = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
  const { protect, unprotect } = loadDataProtection();
  const sealed = protect(every, Buffer.from('name'));
  let refused = 'opened';
  try {
    unprotect(sealed, Buffer.from('other'));
  } catch (error) {
    refused = (error as Error).message;
  }
  return {
    isOpened: unprotect(sealed, Buffer.from('name')).equals(every),
    isPlain: sealed.includes(every),
    refused,
  };
}
