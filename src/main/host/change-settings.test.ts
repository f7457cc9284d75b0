import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changedSettings, writeSettings } from './change-settings.ts';
import { parseSettingsFile } from './settings.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

describe('a change of agent.conf', () => {
  it('takes the place of the line that counted and leaves every other line as it is', () => {
    const before = `# ours\r\ncustomerid = x\r\nNonsense\r\nCustomerId=y\r\n\r\nSyslog=on\r\n`;
    expect(changedSettings(before, { CustomerId: ID, CaFile: '/a b ' })).toBe(
      `# ours\r\nNonsense\r\nCustomerId=${ID}\r\n\r\nSyslog=on\r\nCaFile="/a b "\r\n`,
    );
  });

  it('removes a setting wherever it stands', () => {
    expect(changedSettings('Syslog=on\n# x\nsyslog=off\nCaFile=/a\n', { Syslog: null })).toBe(
      '# x\nCaFile=/a\n',
    );
  });

  it('begins a file', () => {
    expect(changedSettings('', { Syslog: 'on' })).toBe('Syslog=on\n');
  });

  it('refuses a value that would be two lines', () => {
    expect(() => changedSettings('', { CaFile: '/a\nSyslog=on' })).toThrow('control characters');
  });

  it('is read back as it was given, with all else as before, whatever stood there', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('CaFile=/x', 'cafile="/y"', 'Syslog=on', '\uFEFF# c', 'CaFile='),
    );
    const value = fc.string({ minLength: 1 }).filter((text) => !/\p{Cc}/u.test(text) && text.trim() !== '""');
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), value, (lines, end, path) => {
        const text = lines.join(end);
        const before = parseSettingsFile(text, 'f').settings;
        const after = parseSettingsFile(changedSettings(text, { CaFile: path }), 'f').settings;
        expect(after.CaFile?.value).toBe(path);
        expect(after.Syslog?.value).toBe(before.Syslog?.value);
      }),
    );
  });
});

describe('the file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wf-change-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is made with its folder, readable by all, and keeps narrower rights that it has', () => {
    const file = join(folder, 'etc', 'agent.conf');
    writeSettings(file, { Syslog: 'on' });
    expect(statSync(file).mode & 0o777).toBe(0o644);
    rmSync(file);
    writeFileSync(file, '', { mode: 0o600 });
    writeSettings(file, { Syslog: 'off' });
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['Syslog=off\n', 0o600]);
    expect(readdirSync(join(folder, 'etc'))).toEqual(['agent.conf']);
  });

  it('is not written through a link', () => {
    const target = join(folder, 'target');
    writeFileSync(target, '');
    symlinkSync(target, join(folder, 'agent.conf'));
    expect(() => {
      writeSettings(join(folder, 'agent.conf'), { Syslog: 'on' });
    }).toThrow('is a symbolic link');
    expect(readFileSync(target, 'utf8')).toBe('');
  });
});
