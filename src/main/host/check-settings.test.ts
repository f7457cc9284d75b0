import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSettings } from './check-settings.ts';
import { definitionOf, SETTING_NAMES, settingText } from './setting-definitions.ts';
import { parseSettingsFile, resolveSettings } from './settings.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

const found = (text: string) =>
  checkSettings(text).problems.map(({ line, setting, reason }) => `${String(line)} ${setting}: ${reason}`);

describe('the check of agent.conf', () => {
  it('finds nothing in a file that is right, and says what it does not give', () => {
    expect(checkSettings(`# mine\nCustomerId=${ID}\r\nSyslog=on\nCaFile=\n`)).toEqual({
      problems: [],
      missing: ['ActivationId', 'WebServiceUri'],
    });
  });

  it('names each bad line with number, reason and next step', () => {
    const text = 'CustomerId=x\n\nMeteredUploadLimitMb=1025\nSyslog yes\nSysLogs=on\n==\n';
    expect(checkSettings(text).problems).toEqual([
      {
        line: 1,
        setting: 'CustomerId',
        reason: '"x" is not a UUID',
        nextStep: 'give a value of this form: UUID',
      },
      {
        line: 3,
        setting: 'MeteredUploadLimitMb',
        reason: '"1025" is not a whole number of MB from 0 to 1024',
        nextStep:
          'give a value of this form: whole number of MB from 0 to 1024, or remove the line: the default is 1',
      },
      {
        line: 4,
        setting: 'Syslog',
        reason: 'is not a setting, the line is ignored',
        nextStep: 'write Name=value, or begin the line with # to make it a comment',
      },
      {
        line: 5,
        setting: 'SysLogs',
        reason: 'is not a setting, the line is ignored',
        nextStep: expect.stringContaining('CustomerId, ActivationId') as string,
      },
      expect.objectContaining({ line: 6, setting: 'this line' }),
    ]);
  });

  it('says that a name stands twice, in any case, and which line counts', () => {
    expect(found(`Syslog=on\nsyslog=off\n# Syslog=on\nSYSLOG="on"\n`)).toEqual([
      '4 Syslog: stands in lines 1, 2 as well; this line counts',
    ]);
    expect(found('Syslog=on\nSyslog=off')).toEqual(['2 Syslog: stands in line 1 as well; this line counts']);
    expect(found('Syslog=on\nSyslog=')).toEqual([]);
  });

  it('checks a value that a later line replaces as well', () => {
    expect(found(`CustomerId=x\nCustomerId=${ID}`)).toHaveLength(2);
  });

  it('never repeats the value of a line that it does not know: it may be a password', () => {
    const text = 'Proxy_Password=hunter2\nProxyPassword: hunter2\nhu nter2';
    expect(checkSettings(text).problems).toHaveLength(3);
    expect(JSON.stringify(checkSettings(text))).not.toContain('nter2');
  });

  it('finds whatever the agent finds wrong in the file, whatever stands in it', () => {
    const line = fc.oneof(
      fc.string(),
      fc.tuple(fc.constantFrom(...SETTING_NAMES), fc.string()).map(([name, value]) => `${name}=${value}`),
      fc.constantFrom(`CustomerId=${ID}`, 'Syslog=on', 'Syslog', '# Syslog=on'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const text = lines.join('\n');
        const file = parseSettingsFile(text, 'f');
        const agent = resolveSettings([file.settings], file.problems).problems;
        const lineOf = ({ source }: { source: string }): number => Number(source.split(':')[1]);
        const checked = new Set(checkSettings(text).problems.map(({ line: number }) => number));
        return agent.every((problem) => checked.has(lineOf(problem)));
      }),
    );
  });
});

describe('the table of settings', () => {
  it('has a default that its own parser takes, an environment variable of its own, and words for each', () => {
    const variables = SETTING_NAMES.map((name) => definitionOf(name).environment);
    expect(new Set(variables).size).toBe(SETTING_NAMES.length);
    for (const name of SETTING_NAMES) {
      const { parse, comment, form, default: value, needed } = definitionOf(name);
      if (value !== undefined) expect(parse(settingText(value))).toBe(value);
      expect(value === undefined || needed === undefined).toBe(true);
      expect(comment.length * form.length).toBeGreaterThan(0);
    }
  });
});
