import { joinKey } from '../key.ts';
import type { KeyedRow, Reader } from '../table.ts';
import { plistOf, textOf } from './commands.ts';
import { dict, list, parsePlist, textAt, type PlistDict, type PlistValue } from './plist-file.ts';

/**
 * Local accounts, groups, who is logged on, rules for passwords.
 * Formats: dscl(1) with -plist, attributes of OpenDirectory (DirectoryServiceDictionaries), who(1),
 * pwpolicy(8) -getaccountpolicies.
 */
const PREFIX = 'dsAttrTypeStandard:';

/** Values of an attribute; every attribute is a list. */
function values(entry: PlistValue, attribute: string): string[] {
  return list(dict(entry).get(PREFIX + attribute)).filter(
    (value): value is string => typeof value === 'string',
  );
}

const value = (entry: PlistValue, attribute: string): string | null => {
  const text = values(entry, attribute)[0]?.trim() ?? '';
  return text === '' ? null : text;
};

const idOf = (text: string | null): number | null =>
  text !== null && /^-?\d{1,10}$/.test(text) ? Number(text) : null;

const NO_LOGIN = /\/(false|nologin)$/;

export const users: Reader = {
  source: 'dscl /Users',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const attributes = [
      'RecordName',
      'UniqueID',
      'PrimaryGroupID',
      'NFSHomeDirectory',
      'UserShell',
      'RealName',
    ];
    for (const entry of list(
      await plistOf(context, 'dscl', '-plist', '.', '-readall', '/Users', ...attributes),
    )) {
      const name = value(entry, 'RecordName');
      const id = value(entry, 'UniqueID');
      if (name === null || id === null) continue;
      const shell = value(entry, 'UserShell');
      const row = {
        name,
        id,
        groupId: idOf(value(entry, 'PrimaryGroupID')),
        fullName: value(entry, 'RealName'),
        home: value(entry, 'NFSHomeDirectory'),
        shell,
        disabled: shell === null ? null : NO_LOGIN.test(shell),
        passwordState: null,
      };
      yield { key: name, row };
    }
  },
};

export const groups: Reader = {
  source: 'dscl /Groups',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const attributes = ['RecordName', 'PrimaryGroupID', 'GroupMembership'];
    for (const entry of list(
      await plistOf(context, 'dscl', '-plist', '.', '-readall', '/Groups', ...attributes),
    )) {
      const name = value(entry, 'RecordName');
      if (name === null) continue;
      const members = [...new Set(values(entry, 'GroupMembership'))].sort();
      yield { key: name, row: { name, id: value(entry, 'PrimaryGroupID'), members } };
    }
  },
};

export const loggedOnUsers: Reader = {
  source: 'who',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const names = (await textOf(context, 'who')).split('\n').map((line) => line.split(/\s/)[0] ?? '');
    for (const user of new Set(names)) {
      if (user !== '') yield { key: user, row: { user } };
    }
  },
};

const SOURCE = 'pwpolicy';

/** Settings of a policy: its own parameters, or its condition where it has none. */
function* settingsOf(policy: PlistValue): Generator<[string, string]> {
  const id = textAt(policy, 'policyIdentifier') ?? 'policy';
  const parameters: PlistDict = dict(dict(policy).get('policyParameters'));
  const content = textAt(policy, 'policyContent');
  if (content !== null) yield [id, content];
  for (const [name, parameter] of parameters) {
    if (typeof parameter === 'string' || typeof parameter === 'number' || typeof parameter === 'boolean') {
      yield [`${id}.${name}`, String(parameter)];
    }
  }
}

export const passwordPolicy: Reader = {
  source: 'pwpolicy -getaccountpolicies',
  root: 'partly',
  async *read(context): AsyncGenerator<KeyedRow> {
    const { stdout } = await context.run('pwpolicy', ['-getaccountpolicies']);
    // Without any policy the command prints a sentence and no list.
    if (!stdout.includes('<?xml')) return;
    const plist = await parsePlist(stdout.subarray(stdout.indexOf('<?xml')), 'pwpolicy');
    const seen = new Set<string>();
    for (const policies of dict(plist).values()) {
      for (const policy of list(policies)) {
        for (const [setting, text] of settingsOf(policy)) {
          const key = joinKey(SOURCE, setting);
          if (seen.has(key)) continue;
          seen.add(key);
          yield { key, row: { source: SOURCE, setting, value: text } };
        }
      }
    }
  },
};
