import { readFileSync } from 'node:fs';
import type { Answer } from '../../testing/sample-host.ts';

/** A recorded output or file of the sample Mac. */
export const macSample = (name: string): Buffer =>
  readFileSync(new URL(`../samples/${name}`, import.meta.url));

/** Recorded outputs by the beginning of the command line. */
const OUTPUTS: readonly (readonly [command: string, file: string])[] = [
  ['sysctl -i', 'sysctl.txt'],
  ['system_profiler -xml -detailLevel', 'hardware.plist'],
  ['system_profiler -xml SPNVMe', 'disks.plist'],
  ['diskutil apfs list', 'apfs.plist'],
  ['ioreg', 'battery.plist'],
  ['mount', 'mount.txt'],
  ['ifconfig', 'ifconfig.txt'],
  ['netstat', 'netstat.txt'],
  ['scutil', 'scutil.txt'],
  ['dscl -plist . -readall /Users', 'users.plist'],
  ['dscl -plist . -readall /Groups', 'groups.plist'],
  ['pwpolicy', 'pwpolicy.txt'],
  ['who', 'who.txt'],
  ['ps', 'ps.txt'],
  ['lsof', 'lsof.txt'],
  ['softwareupdate --list --no-scan', 'softwareupdate.txt'],
];

/** Answers commands as the sample Mac would. */
export function sampleMac(file: string, args: readonly string[]): Answer {
  const line = [file, ...args].join(' ');
  const name = OUTPUTS.find(([command]) => line.startsWith(command))?.[1];
  return name === undefined ? undefined : macSample(name);
}

const xml = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">${body}</plist>`;
const job = (label: string, rest: string): string =>
  xml(`<dict><key>Label</key><string>${label}</string>${rest}</dict>`);
const argv = (...words: string[]): string =>
  `<key>ProgramArguments</key><array>${words.map((word) => `<string>${word}</string>`).join('')}</array>`;

/** Files of the sample Mac. */
export const MAC_FILES: Readonly<Record<string, string | Uint8Array>> = {
  '/System/Library/CoreServices/SystemVersion.plist': xml(
    '<dict><key>ProductBuildVersion</key><string>23F79</string><key>ProductName</key><string>macOS</string>' +
      '<key>ProductVersion</key><string>14.5</string></dict>',
  ),
  '/Library/Preferences/SystemConfiguration/preferences.plist': xml(
    '<dict><key>System</key><dict><key>Network</key><dict><key>HostNames</key><dict><key>LocalHostName</key>' +
      '<string>Joergs-MacBook-Air</string></dict></dict></dict></dict>',
  ),
  '/Library/Preferences/SystemConfiguration/NetworkInterfaces.plist': macSample('interfaces.plist'),
  '/Applications/Größer App.app/Contents/Info.plist': xml(
    '<dict><key>CFBundleName</key><string>Größer App</string><key>CFBundleIdentifier</key>' +
      '<string>com.example.groesser</string><key>CFBundleShortVersionString</key><string>2.1 (beta)</string>' +
      '<key>CFBundleVersion</key><string>2100.4</string><key>LSMinimumSystemVersion</key><string>12.0</string></dict>',
  ),
  '/Applications/Broken.app/Contents/Info.plist': 'not a property list',
  '/Applications/Vendor/Inner.app/Contents/PlugIns/Hidden.app/Contents/Info.plist': xml('<dict/>'),
  '/System/Library/LaunchDaemons/com.apple.example.plist': job(
    'com.apple.example',
    `${argv('/usr/libexec/example', '--with space')}<key>KeepAlive</key><true/><key>UserName</key><string>_www</string>`,
  ),
  '/Library/LaunchDaemons/com.example.backup.plist': job(
    'com.example.backup',
    `${argv('/opt/backup')}<key>StartCalendarInterval</key><dict><key>Hour</key><integer>3</integer>` +
      '<key>Minute</key><integer>30</integer></dict>',
  ),
  '/Library/LaunchDaemons/broken.plist': '<plist><dict><key>Label</key>',
  '/var/db/com.apple.xpc.launchd/disabled.plist': xml('<dict><key>com.example.backup</key><true/></dict>'),
  '/Users/joerg/Library/LaunchAgents/com.example.agent.plist': job(
    'com.example.agent',
    `${argv('/Users/joerg/bin/agent')}<key>StartInterval</key><integer>600</integer>`,
  ),
  '/var/at/tabs/joerg': '# comment\nMAILTO=joerg\n0 4 * * 1  /bin/weekly --all\n@reboot /bin/once\n',
  '/opt/homebrew/Cellar/jq/1.7.1/INSTALL_RECEIPT.json': '{"source":{"tap":"homebrew/core"}}',
  '/opt/homebrew/Cellar/odd/1.0_2/INSTALL_RECEIPT.json': '{"source":',
  '/opt/homebrew/Caskroom/firefox/126.0/.keep': '',
};
