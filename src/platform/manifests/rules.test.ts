import { describe, expect, it } from 'vitest';
import { FIM_TABLE, FimRuleParams } from '../../shared/file-integrity.ts';
import { ManifestSchema } from '../../shared/manifest.ts';
import { EDR_RULES, type EdrTable } from '../../shared/process-events.ts';
import { edr } from './edr.ts';
import { fim } from './fim.ts';

describe('the rules that come with the platform', () => {
  const rules = fim.tasks.map(({ id, table, params }) => ({ id, table, ...FimRuleParams.parse(params) }));
  const ruleOf = (id: string) => rules.find((rule) => rule.id === id);

  it('R200 are manifests as agents take them, and rules by the schema of file integrity', () => {
    expect(ManifestSchema.safeParse(fim).success).toBe(true);
    expect(new Set(rules.map(({ table }) => table))).toEqual(new Set([FIM_TABLE]));
    expect(new Set(rules.map(({ path }) => path)).size).toBe(rules.length);
  });

  it('R201 are rules by the schemas of process events, one for each of them', () => {
    expect(ManifestSchema.safeParse(edr).success).toBe(true);
    expect(edr.tasks.map(({ table }) => table).sort()).toEqual(Object.keys(EDR_RULES).sort());
    for (const { table, params } of edr.tasks) {
      expect(EDR_RULES[table as EdrTable].safeParse(params).success, table).toBe(true);
    }
  });

  it('show which lines differ of what says who may do what, and nothing of password and key files', () => {
    expect(ruleOf('sudoers')).toMatchObject({ path: '/etc/sudoers', diff: true, severity: 'critical' });
    for (const id of ['shadow', 'gshadow', 'root-ssh', 'mac-root-ssh', 'cron-spool', 'etc'])
      expect(ruleOf(id)?.diff, id).toBe(false);
    for (const id of ['ssh', 'mac-ssh', 'win-ssh']) expect(ruleOf(id)?.secrets, id).toContain('*_key');
  });

  it('name special rules before the general ones that hold the same paths', () => {
    const at = (id: string): number => rules.findIndex((rule) => rule.id === id);
    for (const id of ['sudoers', 'shadow', 'ssh', 'pam', 'cron-d', 'systemd-etc'])
      expect(at(id), id).toBeLessThan(at('etc'));
    for (const id of ['mac-sudoers', 'mac-ssh']) expect(at(id), id).toBeLessThan(at('mac-etc'));
    expect(at('hosts')).toBeLessThan(at('drivers'));
  });

  it.each([
    ['Linux', ['/etc', '/usr/bin', '/usr/sbin', '/usr/lib/systemd', '/boot', '/root/.ssh', '/etc/cron.d']],
    ['macOS', ['/Library/LaunchDaemons', '/private/etc/sudoers']],
    [
      'Windows',
      ['C:\\Windows\\System32\\drivers\\etc', 'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run'],
    ],
  ])('watch what counts on %s', (_, paths) => {
    for (const path of paths) expect(rules.map((rule) => rule.path)).toContain(path);
  });
});
