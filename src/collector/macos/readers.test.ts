import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { buildBinary } from 'plist';
import { describe, expect, it } from 'vitest';
import { rowsOf, sampleContext } from '../testing/sample-host.ts';
import { Unreadable, type KeyedRow, type Reader } from '../table.ts';
import { groups, loggedOnUsers, passwordPolicy, users } from './identity.ts';
import { scheduledTasks, services, startupItems } from './launchd.ts';
import { addresses, dns, interfaces, routes, wifi } from './network.ts';
import { listeningPorts, processes } from './processes.ts';
import { MAC_FILES, sampleMac } from './testing/sample-mac.ts';
import { homebrew, macosApps, pkgReceipts } from './software.ts';
import { updatesMacos } from './available-updates.ts';
import { battery, diskEncryption, disks, mounts } from './storage.ts';
import { cpu, memory, osVersion, systemInfo, timezone } from './system.ts';

const READERS: readonly (readonly [table: string, reader: Reader])[] = [
  ['os_version', osVersion],
  ['system_info', systemInfo],
  ['cpu', cpu],
  ['memory', memory],
  ['disks', disks],
  ['mounts', mounts],
  ['disk_encryption', diskEncryption],
  ['battery', battery],
  ['interfaces', interfaces],
  ['wifi', wifi],
  ['addresses', addresses],
  ['routes', routes],
  ['dns', dns],
  ['macos_apps', macosApps],
  ['pkg_receipts', pkgReceipts],
  ['homebrew', homebrew],
  ['available_updates', updatesMacos],
  ['processes', processes],
  ['listening_ports', listeningPorts],
  ['services', services],
  ['startup_items', startupItems],
  ['scheduled_tasks', scheduledTasks],
  ['users', users],
  ['groups', groups],
  ['logged_on_users', loggedOnUsers],
  ['password_policy', passwordPolicy],
];

/** A receipt in the binary form that the installer writes. */
const RECEIPT = buildBinary({
  PackageIdentifier: 'com.example.pkg.tool',
  PackageVersion: '1.2.3.0',
  InstallPrefixPath: 'usr/local',
  InstallDate: new Date('2024-05-14T08:30:00Z'),
});

const files = { ...MAC_FILES, '/var/db/receipts/com.example.pkg.tool.plist': RECEIPT };
const expected = JSON.parse(readFileSync(new URL('samples/rows.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, readonly KeyedRow[]>
>;

describe.each(READERS)('%s on macOS', (table, reader) => {
  it('R018 gives the rows of the sample Mac', async () => {
    expect(await rowsOf(reader, sampleContext({ os: 'darwin', files, run: sampleMac }))).toEqual(
      expected[table],
    );
  });

  it('R012 gives no row, or is unreadable with a reason, where commands print another form', async () => {
    const context = sampleContext({ os: 'darwin', run: () => 'Erreur : opération non permise (1)\n' });
    try {
      const rows = await rowsOf(reader, context);
      // `who` prints names first; every other table must find nothing in a sentence.
      expect(rows.map(({ key }) => key)).toEqual(
        table === 'logged_on_users'
          ? ['Erreur']
          : table === 'system_info' || table === 'cpu'
            ? [expect.anything()]
            : [],
      );
    } catch (error) {
      expect(error).toBeInstanceOf(Unreadable);
      expect((error as Error).message).toMatch(/gave no property list$|not a property list$/);
    }
  });
});

describe('commands that fail', () => {
  it('R012 are named with their code', async () => {
    const context = sampleContext({
      os: 'darwin',
      run: () => ({ exitCode: 1, stdout: Buffer.alloc(0), stderr: '' }),
    });
    await expect(rowsOf(mounts, context)).rejects.toThrow(new Unreadable('mount ended with code 1'));
    await expect(rowsOf(users, context)).rejects.toThrow(new Unreadable('dscl gave no property list'));
  });

  it('leave a Mac without battery or password policy without rows', async () => {
    const context = sampleContext({ os: 'darwin', run: () => '' });
    expect(await rowsOf(battery, context)).toEqual([]);
    expect(await rowsOf(passwordPolicy, context)).toEqual([]);
  });
});

describe('timezone on macOS', () => {
  it('R018 is the name behind the link, and nothing where the link leads elsewhere', async () => {
    const zoned = (target: string) => {
      const context = sampleContext({ os: 'darwin' });
      mkdirSync(`${context.root}/etc`);
      symlinkSync(target, `${context.root}/etc/localtime`);
      return rowsOf(timezone, context);
    };
    expect(await zoned('/var/db/timezone/zoneinfo/Europe/Berlin')).toEqual([
      { key: 'timezone', row: { name: 'Europe/Berlin' } },
    ]);
    expect(await zoned('/etc/shadow')).toEqual([]);
    expect(await rowsOf(timezone, sampleContext({ os: 'darwin' }))).toEqual([]);
  });
});

describe('what starts programs on macOS', () => {
  it('R018 has the values of secrets blanked, in jobs of launchd and in crontabs', async () => {
    const words = ['curl', '-u', 'anna:geheim', '--token', 'zwei geheim'].map(
      (word) => `<string>${word}</string>`,
    );
    const plist =
      '<?xml version="1.0"?><plist version="1.0"><dict><key>Label</key><string>up</string><key>ProgramArguments</key>' +
      `<array>${words.join('')}</array><key>StartInterval</key><integer>60</integer></dict></plist>`;
    const context = sampleContext({
      os: 'darwin',
      files: {
        '/Library/LaunchDaemons/up.plist': plist,
        '/Library/LaunchAgents/up.plist': plist,
        '/var/at/tabs/anna': '0 4 * * 1 /bin/weekly --token=geheim\n',
      },
    });
    const rows: KeyedRow[] = [];
    for (const reader of [services, startupItems, scheduledTasks])
      rows.push(...(await rowsOf(reader, context)));
    const blanked = 'curl -u anna:[redacted] --token [redacted]';
    expect(rows.map(({ row }) => row['command'])).toEqual([
      ...Array.from({ length: 4 }, () => blanked),
      '/bin/weekly --token=[redacted]',
    ]);
    expect(JSON.stringify(rows)).not.toContain('geheim');
  });
});
