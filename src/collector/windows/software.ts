import { z } from 'zod';
import { joinKey } from '../key.ts';
import type { Reader } from '../table.ts';
import { exact, int, text } from './fields.ts';
import type { Batch, Section } from './powershell.ts';
import { sectionReader } from './reader.ts';

/**
 * Installed programs, Windows Installer products and updates, from the registry and Win32_QuickFixEngineering.
 * Win32_Product is not asked: listing it makes Windows Installer check, and maybe repair, every product.
 * Formats: "Uninstall Registry Key" and "Installation Context" (Windows Installer reference),
 * Win32_QuickFixEngineering (CIM Win32 provider).
 */
const UNINSTALL_KEY = 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall';

/** Emits one object per subkey; `$x` is the open Uninstall key, or null where there is none. */
const EACH_PROGRAM =
  `function Programs($x,$v,$u){if($x){foreach($n in $x.GetSubKeyNames()){$k=$x.OpenSubKey($n);if($k){` +
  `[pscustomobject]@{key=$n;view=$v;user=$u;name=[string]$k.GetValue('DisplayName');` +
  `version=[string]$k.GetValue('DisplayVersion');publisher=[string]$k.GetValue('Publisher');` +
  `location=[string]$k.GetValue('InstallLocation');date=[string]$k.GetValue('InstallDate');` +
  `system=$k.GetValue('SystemComponent')}}}}}`;

const PROGRAM: Section<{
  key: string;
  view: string;
  user: string | null;
  name: string | null;
  version: string | null;
  publisher: string | null;
  location: string | null;
  date: string | null;
  system: number | null;
}> = {
  name: 'program',
  script:
    `${EACH_PROGRAM};foreach($v in Views){Programs (Hive 'LocalMachine' $v).OpenSubKey('${UNINSTALL_KEY}') $v $null};` +
    `foreach($s in Sids){Programs (UserHives).OpenSubKey($s+'\\${UNINSTALL_KEY}') '64' (NameOf $s)}`,
  shape: z.object({
    key: z.string(),
    view: z.string(),
    user: text,
    name: text,
    version: exact,
    publisher: text,
    location: text,
    date: text,
    system: int,
  }),
};

const INSTALLER_KEY = 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\UserData';
const MACHINE_SID = 'S-1-5-18';

const INSTALLED: Section<{
  sid: string;
  packed: string;
  name: string | null;
  version: string | null;
  publisher: string | null;
  date: string | null;
  package: string | null;
}> = {
  name: 'installed',
  script:
    `$m=Machine;$x=$m.OpenSubKey('${INSTALLER_KEY}');` +
    `if($x){foreach($s in $x.GetSubKeyNames()){$p=$x.OpenSubKey($s+'\\Products');if($p){foreach($n in $p.GetSubKeyNames()){` +
    `$k=$p.OpenSubKey($n+'\\InstallProperties');if($k){` +
    `$l=$null;if($s -eq '${MACHINE_SID}'){$l=$m.OpenSubKey('SOFTWARE\\Classes\\Installer\\Products\\'+$n+'\\SourceList')};` +
    `$f=$null;if($l){$f=[string]$l.GetValue('PackageName')};` +
    `[pscustomobject]@{sid=$s;packed=$n;name=[string]$k.GetValue('DisplayName');` +
    `version=[string]$k.GetValue('DisplayVersion');publisher=[string]$k.GetValue('Publisher');` +
    `date=[string]$k.GetValue('InstallDate');package=$f}}}}}}`,
  shape: z.object({
    sid: z.string(),
    packed: z.string(),
    name: text,
    version: exact,
    publisher: text,
    date: text,
    package: text,
  }),
};

/** PowerShell dresses `InstalledOn` up as a date of the host's language; the bare property is what CIM gave. */
const HOTFIX: Section<{ id: string | null; description: string | null; installed: string | null }> = {
  name: 'hotfix',
  script:
    `Get-CimInstance -ClassName 'Win32_QuickFixEngineering'|ForEach-Object{[pscustomobject]@{id=$_.HotFixID;` +
    `description=$_.Description;installed=[string]$_.CimInstanceProperties['InstalledOn'].Value}}`,
  shape: z.object({ id: text, description: text, installed: text }),
};

export const SOFTWARE_BATCH: Batch = [PROGRAM, INSTALLED, HOTFIX];

export const windowsPrograms: Reader = sectionReader({
  source: 'registry Uninstall keys of HKLM (both views) and of the loaded user hives',
  root: 'partly',
  batch: SOFTWARE_BATCH,
  section: PROGRAM,
  *rows(programs) {
    for (const program of programs) {
      if (program.name === null) continue;
      const scope = program.user === null ? 'machine' : 'user';
      const row = {
        name: program.name,
        version: program.version,
        publisher: program.publisher,
        installLocation: program.location,
        scope,
        user: program.user,
        view: program.view,
        keyName: program.key,
        installDate: program.date,
        systemComponent: program.system === 1,
      };
      yield { key: joinKey(scope, program.user, program.view, program.key), row };
    }
  },
});

/** Lengths of the pieces of a packed GUID; Windows Installer writes each of them backwards. */
const PIECES = [8, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2];

/** The product code `{…}` of a packed GUID of 32 hexadecimal digits, or null for any other text. */
export function productCode(packed: string): string | null {
  if (!/^[0-9A-F]{32}$/i.test(packed)) return null;
  let at = 0;
  const pieces = PIECES.map((length) => {
    const piece = packed.slice(at, at + length);
    at += length;
    return Array.from(piece).reverse().join('');
  });
  const [first, second, third, ...rest] = pieces;
  const tail = rest.join('');
  return `{${[first, second, third, tail.slice(0, 4), tail.slice(4)].join('-')}}`.toUpperCase();
}

/** `YYYYMMDD`, as Windows Installer writes it. */
const compactDate = (date: string | null): string | null =>
  /^\d{8}$/.test(date ?? '') ? (date?.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3') ?? null) : null;

export const msiProducts: Reader = sectionReader({
  source: 'registry Installer\\UserData',
  root: 'no',
  batch: SOFTWARE_BATCH,
  section: INSTALLED,
  *rows(products) {
    for (const product of products) {
      const code = productCode(product.packed);
      if (code === null || product.name === null) continue;
      const row = {
        productCode: code,
        name: product.name,
        version: product.version,
        publisher: product.publisher,
        packageName: product.package,
        installDate: compactDate(product.date),
        scope: product.sid === MACHINE_SID ? 'machine' : 'user',
      };
      yield { key: product.sid === MACHINE_SID ? code : joinKey(code, product.sid), row };
    }
  },
});

/** Milliseconds between 1601, where FILETIME starts, and 1970. */
const FILETIME_EPOCH_MS = 11_644_473_600_000n;

/** A date as the class writes it: `M/D/YYYY`, `YYYYMMDD`, or a FILETIME of 16 hexadecimal digits. */
export function hotfixDate(text: string | null): string | null {
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text ?? '');
  if (american !== null) {
    const [, month = '', day = '', year = ''] = american;
    return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  }
  if (/^[0-9a-f]{16}$/i.test(text ?? '')) {
    const ms = BigInt(`0x${text ?? ''}`) / 10_000n - FILETIME_EPOCH_MS;
    const date = new Date(Number(ms));
    return date.getUTCFullYear() <= 9999 ? date.toISOString().slice(0, 10) : null;
  }
  return compactDate(text);
}

export const windowsHotfixes: Reader = sectionReader({
  source: 'Win32_QuickFixEngineering',
  root: 'no',
  batch: SOFTWARE_BATCH,
  section: HOTFIX,
  *rows(hotfixes) {
    const rows = new Map<string, { id: string; description: string | null; installedOn: string | null }>();
    for (const { id, description, installed } of hotfixes) {
      if (id === null) continue;
      const installedOn = hotfixDate(installed);
      const known = rows.get(id)?.installedOn;
      if (known === undefined || (installedOn !== null && (known === null || installedOn < known)))
        rows.set(id, { id, description, installedOn });
    }
    for (const [key, row] of rows) yield { key, row };
  },
});
