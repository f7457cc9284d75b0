import { describe, expect, it } from 'vitest';
import { updatesListed } from './available-updates.ts';

/** As macOS 10.14 prints it (softwareupdate(8)). */
const MOJAVE = `Software Update Tool

Finding available software
Software Update found the following new or updated software:
   * iTunesX-12.8.2
\tiTunes (12.8.2), 273614K [recommended]
   * Security Update 2021-005-10.14.6
\tSecurity Update 2021-005 (10.14.6), 1866800K [recommended] [restart]
`;

describe('updates that softwareupdate lists', () => {
  it('are read in the form before macOS 10.15 too', () => {
    expect([...updatesListed(MOJAVE)]).toEqual([
      {
        manager: 'softwareupdate',
        package: 'iTunesX-12.8.2',
        candidateVersion: '12.8.2',
        repository: 'Apple',
      },
      {
        manager: 'softwareupdate',
        package: 'Security Update 2021-005-10.14.6',
        candidateVersion: '10.14.6',
        repository: 'Apple',
        security: true,
      },
    ]);
  });

  it('are none for other text, or a label without its line', () => {
    expect([...updatesListed('Software Update Tool\n\nNo new software available.\n')]).toEqual([]);
    expect([...updatesListed('* Label: alone\n* Label: other\n\tTitle: Other, Version: 2,\n')]).toMatchObject(
      [{ package: 'other', candidateVersion: '2' }],
    );
    expect([...updatesListed('\tTitle: Nobody, Version: 1,\n')]).toEqual([]);
  });
});
