import { describe, expect, it } from 'vitest';
import { normaliseUri } from './setting-definitions.ts';
import { parseSettingsFile, resolveSettings, settingsFromEnvironment } from './settings.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OTHER = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const KEY = 'If71XRuddG5mmm9kPMFhOpNH4oo2vH6X4M79PDhROG8';
const URI = 'https://platform.example.com/CloudAgent/';
const given = (value: string, source = 'test') => ({ value, source });
const COMPLETE = { CustomerId: given(ID), ActivationId: given(OTHER), WebServiceUri: given(URI) };

describe('the settings file', () => {
  it('takes names in any case, quotes, blanks, comments and both line ends', () => {
    const { settings, problems } = parseSettingsFile(
      `\uFEFF# first\r\n customerid = {${ID.toUpperCase()}} \r\nCaFile="/etc/my ca.pem"\n\n`,
      'agent.conf',
    );
    expect(problems).toEqual([]);
    expect(settings).toEqual({
      CustomerId: given(`{${ID.toUpperCase()}}`, 'agent.conf:2'),
      CaFile: given('/etc/my ca.pem', 'agent.conf:3'),
    });
  });

  it('names a line that is no setting with its number, and takes the rest', () => {
    const { settings, problems } = parseSettingsFile(
      `CustomerIds=${ID}\nCustomerId ${ID}\n= 3\nCustomerId=${ID}`,
      'f',
    );
    expect(problems.map(({ setting, source }) => `${source} ${setting}`)).toEqual([
      'f:1 CustomerIds',
      'f:2 CustomerId',
      'f:3 this line',
    ]);
    expect(settings.CustomerId?.value).toBe(ID);
  });

  it('R009 has no place for a login to the host: such a line is no setting', () => {
    const { settings, problems } = parseSettingsFile(
      'User=root\nPassword=x\nSshKey=/k\nVault=https://v',
      'f',
    );
    expect(settings).toEqual({});
    expect(problems.map(({ setting }) => setting)).toEqual(['User', 'Password', 'SshKey', 'Vault']);
    expect(resolveSettings([COMPLETE]).missing).toEqual([]);
  });

  it('never repeats the value of a line that it does not know: it may be a password', () => {
    const { problems } = parseSettingsFile('Proxy_Password=hunter2\nProxyPassword: hunter2\nhu nter2', 'f');
    expect(problems).toHaveLength(3);
    expect(JSON.stringify(problems)).not.toContain('nter2');
  });

  it('takes the last value of a name, and a line without value as not there', () => {
    const { settings } = parseSettingsFile(`CaFile=/a\nCaFile=/b\nCaFile=\nPlatformKey=""`, 'f');
    expect(settings).toEqual({ CaFile: given('/b', 'f:2') });
  });

  it('misses a setting that stands only on a malformed line', () => {
    const file = parseSettingsFile(`CustomerId ${ID}`, 'f');
    const settings = resolveSettings([file.settings], file.problems);
    expect(settings.missing).toContain('CustomerId');
  });
});

describe('the settings', () => {
  it('come from flags before the environment before the file', () => {
    const environment = settingsFromEnvironment({
      WAYFARER_CUSTOMER_ID: OTHER,
      WAYFARER_CA_FILE: '/env.pem',
      WAYFARER_PLATFORM_KEY: '',
    });
    const file = parseSettingsFile(`CustomerId=x\nCaFile=/file.pem\nPlatformKey=${KEY}`, 'f').settings;
    const settings = resolveSettings([{ CustomerId: given(ID) }, environment, file]);
    expect(settings).toMatchObject({ customerId: ID, caFile: '/env.pem', platformKey: KEY, problems: [] });
  });

  it('stand normalised', () => {
    const settings = resolveSettings([
      {
        CustomerId: given(` {${ID.toUpperCase()}} `),
        ActivationId: given(OTHER.toUpperCase()),
        WebServiceUri: given('https://Platform.Example.com:443'),
        PlatformKey: given(` ${KEY}\n`),
      },
    ]);
    expect(settings).toEqual({
      customerId: ID,
      activationId: OTHER,
      webServiceUri: URI,
      platformKey: KEY,
      meteredUploadLimitMb: 1,
      syslog: false,
      collectorMemoryMb: 512,
      pauseBelowBatteryPct: 20,
      missing: [],
      problems: [],
    });
  });

  it('hold what else this host decides', () => {
    const settings = resolveSettings([
      {
        ...COMPLETE,
        MeteredUploadLimitMb: given('0'),
        Syslog: given('On'),
        CollectorMemoryMb: given('128'),
        PauseBelowBatteryPct: given('100'),
      },
    ]);
    expect(settings).toMatchObject({
      meteredUploadLimitMb: 0,
      syslog: true,
      collectorMemoryMb: 128,
      pauseBelowBatteryPct: 100,
      problems: [],
    });
  });

  it.each([
    ['MeteredUploadLimitMb', '1025', 'from 0 to 1024'],
    ['MeteredUploadLimitMb', '-1', 'from 0 to 1024'],
    ['MeteredUploadLimitMb', '1.5', 'from 0 to 1024'],
    ['Syslog', 'yes', 'neither on nor off'],
    ['CollectorMemoryMb', '127', 'whole number of MB from 128 to 4096'],
    ['PauseBelowBatteryPct', '101', 'whole number of percent from 0 to 100'],
  ] as const)('go on with the default after %s=%s, and say so', (name, value, reason) => {
    const settings = resolveSettings([{ ...COMPLETE, [name]: given(value, 'agent.conf:7') }]);
    expect(settings).toMatchObject({
      meteredUploadLimitMb: 1,
      syslog: false,
      collectorMemoryMb: 512,
      pauseBelowBatteryPct: 20,
    });
    expect(settings.problems).toEqual([
      {
        setting: name,
        source: 'agent.conf:7',
        reason: expect.stringContaining(reason) as string,
        harmless: true,
      },
    ]);
  });

  it('name what is missing, and no more than is needed', () => {
    expect(resolveSettings([]).missing).toEqual(['CustomerId', 'ActivationId', 'WebServiceUri']);
    expect(resolveSettings([COMPLETE]).missing).toEqual([]);
  });

  it.each([
    ['CustomerId', 'abc', 'is not a UUID'],
    ['ActivationId', `${ID}0`, 'is not a UUID'],
    ['PlatformKey', `${KEY}=`, 'not an Ed25519 public key'],
    ['PlatformKey', KEY.slice(1), 'not an Ed25519 public key'],
    ['CaFile', 'ca.pem', 'not an absolute path'],
    ['WebServiceUri', 'platform.example.com', 'not a URL'],
  ] as const)('refuse %s=%s with reason and source', (name, value, reason) => {
    const settings = resolveSettings([{ ...COMPLETE, [name]: given(value, 'agent.conf:7') }]);
    expect(settings.problems).toEqual([
      { setting: name, source: 'agent.conf:7', reason: expect.stringContaining(reason) as string },
    ]);
    expect(settings.missing).toEqual([]);
  });

  it('never replace a wrong value by that of a later source', () => {
    const settings = resolveSettings([{ CustomerId: given('wrong') }, { CustomerId: given(ID) }]);
    expect(settings.customerId).toBeUndefined();
    expect(settings.problems).toHaveLength(1);
  });
});

describe('the platform URL', () => {
  it.each([
    ['https://p.example', 'https://p.example/CloudAgent/'],
    ['https://p.example/', 'https://p.example/CloudAgent/'],
    ['https://p.example/CloudAgent', 'https://p.example/CloudAgent/'],
    ['https://p.example/CloudAgent//', 'https://p.example/CloudAgent/'],
    ['https://p.example/eu/', 'https://p.example/eu/CloudAgent/'],
    [' https://p.example:8443/CloudAgent/ ', 'https://p.example:8443/CloudAgent/'],
    ['https://[::1]:8443', 'https://[::1]:8443/CloudAgent/'],
  ])('R002 %s becomes %s, port 443 where none is named', (text, expected) => {
    const uri = normaliseUri(text);
    expect(uri).toBe(expected);
    expect(normaliseUri(uri)).toBe(uri);
    expect(new URL(uri).port).toBe(text.includes('8443') ? '8443' : ''); // '' is the scheme's own, 443
  });

  it.each(['http://p.example/', 'ftp://p.example/', 'file:///etc/passwd', 'wss://p.example/'])(
    'R002 %s is refused: nothing but https',
    (text) => {
      expect(() => normaliseUri(text)).toThrow('over https only');
    },
  );

  it.each([
    ['https://user:pw@p.example/', 'credentials'],
    ['https://user@p.example/', 'credentials'],
    ['https://p.example/?a=1', 'query'],
    ['https://p.example/#a', 'fragment'],
  ])('%s is refused for its %s', (text, reason) => {
    expect(() => normaliseUri(text)).toThrow(reason);
  });

  it('is not repeated with its password when it is malformed', () => {
    const refused = (): string => normaliseUri('https://user:hunter2@not a host/');
    expect(refused).toThrow('is not a URL');
    expect(refused).not.toThrow('hunter2');
  });
});
