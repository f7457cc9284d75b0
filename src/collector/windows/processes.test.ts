import { describe, expect, it } from 'vitest';
import { rowsOf, sampleContext } from '../testing/sample-host.ts';
import { Unreadable } from '../table.ts';
import { listeningPorts, processes } from './processes.ts';
import { samplePowerShell } from './testing/sample-powershell.ts';

const windows = (replaced: Readonly<Record<string, string>> = {}) =>
  sampleContext({ os: 'win32', run: samplePowerShell(replaced) });

describe('what runs on Windows', () => {
  it('R018 is listed by executable and user, in two samples', async () => {
    const context = windows();
    const row = { path: 'C:\\Windows\\System32\\lsass.exe', name: 'lsass.exe', user: 'NT-AUTORITÄT\\SYSTEM' };
    expect(await rowsOf(processes, context)).toEqual([
      { key: 'C:\\\\Windows\\\\System32\\\\lsass.exe|NT-AUTORITÄT\\\\SYSTEM', row },
    ]);
    expect(context.calls).toHaveLength(2);
    expect(context.now()).toBe(10_000);
  });

  it('listens with its owner, IPv6 apart and without zones', async () => {
    const rows = await rowsOf(listeningPorts, windows());
    expect(rows.map(({ row }) => [row['protocol'], row['address'], row['port'], row['path']])).toEqual([
      ['tcp', '0.0.0.0', 49664, 'C:\\Windows\\System32\\lsass.exe'],
      ['tcp6', 'fe80::1', 445, null],
      ['udp6', '::', 5353, null],
    ]);
  });

  it('R012 is unreadable when the list of processes is refused', async () => {
    const context = windows({ process: '{"section":"process","error":"HRESULT 0x80041003,Get"}' });
    await expect(rowsOf(processes, context)).rejects.toThrow(
      new Unreadable('section process failed: HRESULT 0x80041003,Get'),
    );
  });
});
