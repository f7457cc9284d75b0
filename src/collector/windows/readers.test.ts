import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowsOf, sampleContext } from '../testing/sample-host.ts';
import { Unreadable, type KeyedRow, type Reader } from '../table.ts';
import { updatesWindows } from './available-updates.ts';
import { groups, loggedOnUsers, passwordPolicy, users } from './identity.ts';
import { addresses, dns, interfaces, routes, wifi } from './network.ts';
import { samplePowerShell } from './testing/sample-powershell.ts';
import { scheduledTasks, services, startupItems } from './services.ts';
import { hotfixDate, msiProducts, productCode, windowsHotfixes, windowsPrograms } from './software.ts';
import { battery, diskEncryption, disks, mounts } from './storage.ts';
import { cpu, memory, osVersion, systemInfo, timezone } from './system.ts';

/** Readers, and a section that each of them needs. */
const READERS: readonly (readonly [table: string, reader: Reader, section: string])[] = [
  ['os_version', osVersion, 'os'],
  ['system_info', systemInfo, 'computer'],
  ['cpu', cpu, 'processor'],
  ['memory', memory, 'module'],
  ['timezone', timezone, 'timezone'],
  ['disks', disks, 'disk'],
  ['mounts', mounts, 'volume'],
  ['disk_encryption', diskEncryption, 'encryptable'],
  ['battery', battery, 'battery'],
  ['interfaces', interfaces, 'adapter'],
  ['wifi', wifi, 'adapter'],
  ['addresses', addresses, 'address'],
  ['routes', routes, 'route'],
  ['dns', dns, 'servers'],
  ['windows_programs', windowsPrograms, 'program'],
  ['msi_products', msiProducts, 'installed'],
  ['windows_hotfixes', windowsHotfixes, 'hotfix'],
  ['available_updates', updatesWindows, 'update'],
  ['services', services, 'service'],
  ['startup_items', startupItems, 'run'],
  ['scheduled_tasks', scheduledTasks, 'task'],
  ['users', users, 'user'],
  ['groups', groups, 'group'],
  ['logged_on_users', loggedOnUsers, 'logon'],
  ['password_policy', passwordPolicy, 'policy'],
];

const STARTUP = 'Microsoft/Windows/Start Menu/Programs/Startup';
const FILES = {
  [`C:/ProgramData/${STARTUP}/desktop.ini`]: '',
  [`C:/Users/jörg/AppData/Roaming/${STARTUP}/Notizen.lnk`]: 'L',
};

const expected = JSON.parse(readFileSync(new URL('samples/rows.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, readonly KeyedRow[]>
>;

const windows = (replaced: Readonly<Record<string, string>> = {}) =>
  sampleContext({ os: 'win32', files: FILES, run: samplePowerShell(replaced) });

describe.each(READERS)('%s on Windows', (table, reader, section) => {
  it('R018 gives the rows of the sample host, in the words of its own language', async () => {
    expect(await rowsOf(reader, windows())).toEqual(expected[table]);
  });

  it('gives no row for an empty section', async () => {
    const rows = await rowsOf(reader, windows({ [section]: `{"section":"${section}","rows":[]}` }));
    expect(rows.filter(({ row }) => row['kind'] !== 'startup folder' && row['kind'] !== 'search')).toEqual(
      [],
    );
  });

  it('R012 names the section and the error identifier when Windows refuses it', async () => {
    const refused = `{"section":"${section}","error":"HRESULT 0x80070005,Get"}`;
    const reading = rowsOf(reader, windows({ [section]: refused }));
    await expect(reading).rejects.toThrow(
      new Unreadable(`section ${section} failed: HRESULT 0x80070005,Get`),
    );
  });
});

describe('batches', () => {
  it('start one PowerShell for all tables that share one', async () => {
    const context = windows();
    for (const reader of [osVersion, systemInfo, cpu, memory, timezone]) await rowsOf(reader, context);
    expect(context.calls).toHaveLength(1);
  });
});

describe('values', () => {
  it('turn a packed product code around, and refuse what is none', () => {
    expect(productCode('000061098C007040010000000FF1EC0F')).toBe('{90160000-00C8-0407-1000-0000F01FCEF0}');
    expect(productCode('000061098C00704001000000')).toBeNull();
    expect(productCode('../../etc/shadow')).toBeNull();
  });

  it('read the three forms of a hotfix date, and no other', () => {
    expect(hotfixDate('5/14/2024')).toBe('2024-05-14');
    expect(hotfixDate('20240514')).toBe('2024-05-14');
    expect(hotfixDate('01daa5a3c6f28000')).toBe('2024-05-14');
    expect(hotfixDate('14.05.2024')).toBeNull();
    expect(hotfixDate('ffffffffffffffff')).toBeNull();
    expect(hotfixDate(null)).toBeNull();
  });
});
