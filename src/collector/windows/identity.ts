import { z } from 'zod';
import type { Reader } from '../table.ts';
import { flag, int, text, texts } from './fields.ts';
import { cim, readSection, type Batch, type Section } from './powershell.ts';
import { sectionReader } from './reader.ts';

/**
 * Local accounts, groups, who is logged on, rules for passwords.
 * Formats: Win32_UserAccount, Win32_Group, Win32_LogonSession, Win32_LoggedOnUser (CIM Win32 provider); members and
 * policy through the WinNT provider of ADSI (IADsGroup::Members, WinNT Computer object), whose names are the same in
 * every language, unlike the output of `net accounts`.
 */
const USER: Section<{
  name: string;
  sid: string | null;
  fullName: string | null;
  disabled: boolean | null;
  home: string | null;
}> = {
  name: 'user',
  script:
    `$l=(Machine).OpenSubKey('SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList');` +
    `Get-CimInstance -ClassName 'Win32_UserAccount' -Filter 'LocalAccount=True'|ForEach-Object{$h=$null;` +
    `if($l){$k=$l.OpenSubKey($_.SID);if($k){$h=[string]$k.GetValue('ProfileImagePath')}};` +
    `[pscustomobject]@{name=$_.Name;sid=$_.SID;fullName=$_.FullName;disabled=$_.Disabled;home=$h}}`,
  shape: z.object({
    name: z.string(),
    sid: text,
    fullName: text,
    disabled: flag,
    home: text,
  }),
};

const GROUP: Section<{ name: string; sid: string | null; members: string[] }> = {
  name: 'group',
  script:
    `Get-CimInstance -ClassName 'Win32_Group' -Filter 'LocalAccount=True'|ForEach-Object{` +
    `$m=@(([ADSI]('WinNT://./'+$_.Name+',group')).psbase.Invoke('Members')|ForEach-Object{` +
    `$_.GetType().InvokeMember('AdsPath','GetProperty',$null,$_,$null)});` +
    `[pscustomobject]@{name=$_.Name;sid=$_.SID;members=$m}}`,
  shape: z.object({ name: z.string(), sid: text, members: texts }),
};

/** Console, remote and cached interactive logons. */
const LOGON: Section<{ domain: string | null; name: string | null }> = {
  name: 'logon',
  script:
    `$i=@(Get-CimInstance -ClassName 'Win32_LogonSession' -Filter 'LogonType=2 OR LogonType=10 OR LogonType=11'|ForEach-Object{$_.LogonId});` +
    `Get-CimInstance -ClassName 'Win32_LoggedOnUser'|Where-Object{$i -contains $_.Dependent.LogonId}|ForEach-Object{` +
    `[pscustomobject]@{domain=$_.Antecedent.Domain;name=$_.Antecedent.Name}}`,
  shape: z.object({ domain: text, name: text }),
};

const SETTINGS = [
  'MinPasswordLength',
  'MinPasswordAge',
  'MaxPasswordAge',
  'PasswordHistoryLength',
  'MaxBadPasswordsAllowed',
  'AutoUnlockInterval',
  'LockoutObservationInterval',
];

const POLICY: Section<{ name: string; value: number | null }> = {
  name: 'policy',
  script:
    `$c=[ADSI]'WinNT://.,computer';foreach($n in ${SETTINGS.map((name) => `'${name}'`).join(',')}){` +
    `[pscustomobject]@{name=$n;value=$c.Properties[$n].Value}}`,
  shape: z.object({ name: z.string(), value: int }),
};

const COMPUTER = cim({
  name: 'machine',
  className: 'Win32_ComputerSystem',
  shape: z.object({ Name: text }),
});

export const IDENTITY_BATCH: Batch = [USER, GROUP, LOGON, POLICY, COMPUTER];

export const users: Reader = sectionReader({
  source: 'Win32_UserAccount, registry ProfileList',
  root: 'no',
  batch: IDENTITY_BATCH,
  section: USER,
  *rows(accounts) {
    for (const { name, sid, fullName, disabled, home } of accounts) {
      const row = {
        name,
        id: sid,
        groupId: null,
        fullName,
        home,
        shell: null,
        disabled,
        passwordState: null,
      };
      yield { key: name, row };
    }
  },
});

/** `WinNT://WORKGROUP/PC/anna` and `WinNT://DOMAIN/anna` as `PC\anna`, `DOMAIN\anna`; an orphan stays its SID. */
function memberOf(path: string): string {
  return path
    .replace(/^WinNT:\/\//i, '')
    .split('/')
    .slice(-2)
    .join('\\');
}

export const groups: Reader = sectionReader({
  source: 'Win32_Group, ADSI WinNT provider',
  root: 'no',
  batch: IDENTITY_BATCH,
  section: GROUP,
  *rows(found) {
    for (const { name, sid, members } of found) {
      yield { key: name, row: { name, id: sid, members: members.map(memberOf).sort() } };
    }
  },
});

/** Accounts of the window manager and the font driver, which log on interactively and are nobody. */
const SYSTEM_LOGON = /^(DWM|UMFD)-\d+$/i;

export const loggedOnUsers: Reader = {
  source: 'Win32_LogonSession, Win32_LoggedOnUser',
  root: 'partly',
  async *read(context) {
    const machine = (await readSection(context, IDENTITY_BATCH, COMPUTER))[0]?.Name?.toLowerCase();
    const seen = new Set<string>();
    for (const { domain, name } of await readSection(context, IDENTITY_BATCH, LOGON)) {
      if (name === null || SYSTEM_LOGON.test(name)) continue;
      const local = domain === null || domain.toLowerCase() === machine;
      const user = local ? name : `${domain}\\${name}`;
      if (seen.has(user)) continue;
      seen.add(user);
      yield { key: user, row: { user } };
    }
  },
};

export const passwordPolicy: Reader = sectionReader({
  source: 'ADSI WinNT provider, computer object; ages and intervals in seconds',
  root: 'no',
  batch: IDENTITY_BATCH,
  section: POLICY,
  *rows(settings) {
    for (const { name, value } of settings) {
      if (value === null) continue;
      const row = { source: 'local security authority', setting: name, value: String(value) };
      yield { key: `${row.source}|${name}`, row };
    }
  },
});
