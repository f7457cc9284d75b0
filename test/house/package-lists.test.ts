import { describe, expect, it } from 'vitest';

/** Set-up runs before anything is built: plain JavaScript without types. */
const packages = new URL('../../scripts/testing/packages.mjs', import.meta.url).href;
const { missingLists } = (await import(packages)) as {
  missingLists: (wanted: readonly string[], present: readonly string[]) => string[];
};

const list = (suite: string, end = ''): string =>
  `/var/lib/apt/lists/deb.example_${suite}_main_binary-amd64_Packages${end}`;

describe('the package lists of the archives', () => {
  it('are all there, however each is compressed on the disk', () => {
    const wanted = [list('bookworm', '.lz4'), list('bookworm-updates')];
    expect(
      missingLists(wanted, [list('bookworm'), list('bookworm-updates', '.xz'), 'lock', 'partial']),
    ).toEqual([]);
  });

  it('are named where one of them is missing, though others are there', () => {
    expect(
      missingLists([list('bookworm'), list('bookworm-updates')], [list('bookworm-updates', '.lz4')]),
    ).toEqual(['deb.example_bookworm_main_binary-amd64_Packages']);
    expect(missingLists([list('bookworm')], [])).toHaveLength(1);
  });
});
