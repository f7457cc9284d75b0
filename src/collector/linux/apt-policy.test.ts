import { describe, expect, it } from 'vitest';
import { parsePolicy, securityOf, securitySuites } from './apt-policy.ts';

/** As apt 2.6 prints it (apt-cache(8)). */
const TZDATA = `tzdata:
  Installed: 2025b-0+deb12u2
  Candidate: 2026f-0+deb12u1
  Version table:
     2026f-0+deb12u1 500
        500 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
     2026b-0+deb12u1 500 (phased 20%)
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
 *** 2025b-0+deb12u2 100
        100 /var/lib/dpkg/status
     2025b-0+deb12u1 500
        500 http://deb.debian.org/debian bookworm-updates/main amd64 Packages
`;

/** A package with one newer version from each of these suites, the newest first. */
const withSuites = (...suites: string[]) =>
  parsePolicy(
    `p:\n  Installed: 0\n  Candidate: ${String(suites.length)}\n  Version table:\n` +
      suites
        .map(
          (suite, at) =>
            `     ${String(suites.length - at)} 500\n        500 http://a ${suite} amd64 Packages\n`,
        )
        .join('') +
      ' *** 0 100\n        100 /var/lib/dpkg/status\n',
  );

const verdict = (suites: readonly string[], others: readonly string[] = []): boolean | undefined => {
  const policies = withSuites(...suites);
  return securityOf(policies[0]?.newer ?? [], securitySuites([...policies, ...withSuites(...others)]));
};

describe('the policy of apt', () => {
  it('gives the versions from the candidate down to the one above the installed', () => {
    expect(parsePolicy(TZDATA)).toEqual([
      {
        package: 'tzdata',
        installed: '2025b-0+deb12u2',
        newer: [
          {
            version: '2026f-0+deb12u1',
            phased: false,
            sources: [{ uri: 'http://deb.debian.org/debian-security', suite: 'bookworm-security/main' }],
          },
          {
            version: '2026b-0+deb12u1',
            phased: true,
            sources: [{ uri: 'http://deb.debian.org/debian', suite: 'bookworm/main' }],
          },
        ],
        suites: ['bookworm-security/main', 'bookworm/main', 'bookworm-updates/main'],
      },
    ]);
  });

  it('leaves out what is not installed, and gives no newer version where the candidate is the installed one', () => {
    expect(parsePolicy('a:\n  Installed: (none)\n  Candidate: 1\n  Version table:\n     1 500\n')).toEqual(
      [],
    );
    const [same] = parsePolicy(
      'a:\n  Installed: 1\n  Candidate: 1\n  Version table:\n *** 1 100\n     0 500\n',
    );
    expect(same?.newer).toEqual([]);
    const [none] = parsePolicy(
      'a:\n  Installed: 1\n  Candidate: (none)\n  Version table:\n     2 -1\n *** 1 -1\n',
    );
    expect(none?.newer).toEqual([]);
  });

  it('takes text of another shape for nothing', () => {
    expect(parsePolicy('')).toEqual([]);
    expect(parsePolicy('  Installed: 1\n:\n\n')).toEqual([]);
    expect(parsePolicy('a:\nb:\n  Installed: 1\n')).toMatchObject([{ package: 'b', newer: [] }]);
  });
});

describe('updates that fix security issues', () => {
  it('are those with a version from a suite of security updates above the installed one', () => {
    expect(verdict(['bookworm-security/main'])).toBe(true);
    expect(verdict(['jammy-security/universe'])).toBe(true);
    expect(verdict(['jammy-apps-security/main'])).toBe(true);
    expect(verdict(['buster/updates/main'])).toBe(true);
    expect(verdict(['bookworm-updates/main', 'bookworm-security/main'])).toBe(true);
  });

  it('are none where the release has such a suite, and the update is not in it', () => {
    expect(verdict(['bookworm/main'], ['bookworm-security/main'])).toBe(false);
    expect(verdict(['bookworm-updates/main', 'bookworm/main'], ['bookworm-security/main'])).toBe(false);
    expect(verdict(['jammy-proposed/main'], ['jammy-security/main'])).toBe(false);
  });

  it('are not known of archives that make no difference', () => {
    expect(verdict(['stable/main'], ['bookworm-security/main'])).toBeUndefined();
    expect(verdict(['bookworm/main', './'], ['bookworm-security/main'])).toBeUndefined();
    expect(verdict(['bookworm/main'])).toBeUndefined();
    expect(verdict([])).toBeUndefined();
  });
});
