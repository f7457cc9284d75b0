import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUsable, parseSettingsFile, resolveSettings, type Settings } from '../host/settings.ts';
import { judgeSettings, unreadable } from './settings-change.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OTHER = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const COMPLETE = `CustomerId=${ID}\nActivationId=${ID}\nWebServiceUri=https://p.example/\n`;
const FILE = '/etc/wayfarer/agent.conf';

function read(text: string): Settings {
  const file = parseSettingsFile(text, FILE);
  return resolveSettings([file.settings], file.problems);
}
const judge = (before: string, after: string) => judgeSettings(read(before), read(after), FILE);

describe('settings that were read again', () => {
  it('are taken where a value is another one, named by its setting', () => {
    const change = judge(COMPLETE, `${COMPLETE}ActivationId=${OTHER}\nSyslog=on`);
    expect(change).toMatchObject({ changed: ['ActivationId', 'Syslog'], take: { activationId: OTHER } });
  });

  it('are not taken where they say the same in other words', () => {
    const change = judge(
      COMPLETE,
      `# moved\n${COMPLETE.toUpperCase().replace('HTTPS://P.EXAMPLE/', 'https://P.example')}`,
    );
    expect(change).toMatchObject({ keep: { missing: [], problems: [] } });
  });

  it('leave those in force where the agent could not work with them, and name what is wrong and missing', () => {
    const change = judge(COMPLETE, `CustomerId=x\nActivationId=${OTHER}\nSyslog=perhaps`);
    expect(change).toEqual({
      keep: {
        missing: [],
        problems: [
          {
            setting: 'CustomerId',
            source: `${FILE}:1`,
            reason: '"x" is not a UUID; the settings before stay in force until this is mended',
          },
          {
            setting: 'Syslog',
            source: `${FILE}:3`,
            reason: '"perhaps" is neither on nor off',
            harmless: true,
          },
          {
            setting: 'WebServiceUri',
            source: FILE,
            reason: 'is no longer set; the settings before stay in force until this is mended',
          },
        ],
      },
    });
  });

  it('are taken with a wrong value that a default replaces: the rest applies', () => {
    expect(judge(COMPLETE, `${COMPLETE}Syslog=perhaps\nMeteredUploadLimitMb=7`)).toMatchObject({
      take: { meteredUploadLimitMb: 7, problems: [{ setting: 'Syslog' }] },
    });
  });

  it('are taken by an agent that does not work, even if it will not work with them either', () => {
    expect(judge('', `CustomerId=${ID}`)).toMatchObject({
      take: { missing: ['ActivationId', 'WebServiceUri'] },
    });
    expect(judge(`${COMPLETE}PlatformKey=x`, COMPLETE)).toMatchObject({
      take: { problems: [] },
      changed: [],
    });
    expect(judge('CustomerId=x', 'CustomerId=y')).toMatchObject({
      keep: { problems: [{ reason: '"y" is not a UUID' }] },
    });
  });

  it('that can not even be read leave those in force', () => {
    expect(unreadable(FILE, new Error('EACCES'))).toMatchObject({
      keep: { missing: [], problems: [{ setting: 'the file', source: FILE }] },
    });
  });

  it('never take an agent that works out of work', () => {
    const line = fc.constantFrom(
      ...COMPLETE.trim().split('\n'),
      'CaFile=x',
      'CustomerId=y',
      'Syslog=on',
      'Syslog',
    );
    const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const change = judge(before, after);
        return !isUsable(read(before)) || !('take' in change) || isUsable(change.take);
      }),
    );
  });
});
