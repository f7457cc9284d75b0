import { describe, expect, it } from 'vitest';
import { rowsOf, sampleContext } from '../testing/sample-host.ts';
import { Unreadable } from '../table.ts';
import { plist, sysctl } from './probes.ts';

const PATH = '/Library/Preferences/com.example.plist';
const XML =
  '<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>On</key><true/><key>a.b</key>' +
  '<string>dotted</string><key>In</key><dict><key>List</key><array><integer>7</integer><date>2024-05-14T08:30:00Z</date>' +
  '</array></dict></dict></plist>';
const mac = (content = XML) => sampleContext({ os: 'darwin', files: { [PATH]: content } });
const probe = async (key?: string) =>
  (await rowsOf(plist, mac(), key === undefined ? { path: PATH } : { path: PATH, key }))[0]?.row;

describe('the plist probe', () => {
  it('R018 finds values by key path, by index, and by a key that holds a dot', async () => {
    expect(await probe('On')).toEqual({
      path: PATH,
      key: 'On',
      exists: true,
      type: 'boolean',
      value: 'true',
    });
    expect(await probe('In.List.0')).toMatchObject({ type: 'integer', value: '7' });
    expect(await probe('In.List.1')).toMatchObject({ type: 'date', value: '2024-05-14T08:30:00Z' });
    expect(await probe('a.b')).toMatchObject({ type: 'string', value: 'dotted' });
  });

  it('writes containers as JSON with sorted keys', async () => {
    expect(await probe()).toMatchObject({
      type: 'dictionary',
      value: '{"In":{"List":[7,"2024-05-14T08:30:00Z"]},"On":true,"a.b":"dotted"}',
    });
  });

  it('says what does not exist', async () => {
    const absent = { exists: false, type: null, value: null };
    expect(await probe('In.List.9')).toMatchObject(absent);
    expect(await probe('On.further')).toMatchObject(absent);
    const rows = await rowsOf(plist, sampleContext({ os: 'darwin' }), { path: PATH });
    expect(rows.map(({ row }) => row)).toEqual([{ path: PATH, key: '', ...absent }]);
  });

  it('R012 is unreadable for a file that is no property list or declares entities', async () => {
    const reason = new Unreadable(`${PATH}: not a property list`);
    await expect(rowsOf(plist, mac('hello'), { path: PATH })).rejects.toThrow(reason);
    const bomb = '<!DOCTYPE plist [<!ENTITY a "aaaa">]><plist><string>&a;</string></plist>';
    await expect(rowsOf(plist, mac(bomb), { path: PATH })).rejects.toThrow(reason);
  });
});

describe('the sysctl probe', () => {
  it('R018 squeezes blanks, and takes an exit code for a name that does not exist', async () => {
    const context = sampleContext({
      os: 'darwin',
      run: (_file, args) =>
        args.at(-1) === 'kern.boottime'
          ? '{ sec = 1,\tusec = 2 }\n'
          : { exitCode: 1, stdout: Buffer.alloc(0), stderr: 'unknown oid' },
    });
    const [known] = await rowsOf(sysctl, context, { name: 'kern.boottime' });
    const [unknown] = await rowsOf(sysctl, context, { name: 'no.such' });
    expect(known?.row).toEqual({ name: 'kern.boottime', exists: true, value: '{ sec = 1, usec = 2 }' });
    expect(unknown?.row).toEqual({ name: 'no.such', exists: false, value: null });
    expect(context.calls).toEqual(['sysctl -n -- kern.boottime', 'sysctl -n -- no.such']);
  });
});
