import { describe, expect, it } from 'vitest';
import { createNegotiator, type Loaders } from './create-negotiator.ts';

const options = { platform: 'linux', uid: 0, environment: {} } as const;

function failing(message: string): Loaders {
  const fail = (): never => {
    throw new Error(message);
  };
  return { gss: fail, sspi: fail };
}

describe('a host without a security library', () => {
  const notThere = failing(
    'Failed to load shared library: cannot open shared object file: No such file or directory',
  );

  it('says what to install', () => {
    expect(createNegotiator(options, notThere)).toEqual({
      unavailable:
        'libgssapi_krb5.so.2 is not installed: apt install libgssapi-krb5-2, or dnf install krb5-libs',
    });
  });

  it('says why a library that is there can not be used', () => {
    const old = failing("Cannot find function 'gss_inquire_cred' in shared library");
    expect(createNegotiator(options, old)).toEqual({
      unavailable:
        "libgssapi_krb5.so.2 can't be used: Cannot find function 'gss_inquire_cred' in shared library",
    });
    expect(createNegotiator({ ...options, platform: 'win32' }, old)).toHaveProperty('unavailable');
    expect(createNegotiator({ ...options, platform: 'darwin' }, old)).toHaveProperty('unavailable');
  });

  it('knows when there is none to look for', () => {
    expect(createNegotiator({ ...options, platform: 'freebsd' })).toEqual({
      unavailable: 'no GSSAPI library is known for freebsd',
    });
  });
});
