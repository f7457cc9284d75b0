import { loadRegistryApi, openRegistryKey } from '../../../src/main/host/registry.ts';

/** Sets, reads and removes values of a key below HKLM as the agent keeps its settings. */
export function work({ key, text }: { key: string; text: string }): unknown {
  const opened = openRegistryKey(loadRegistryApi(), key);
  const before = opened.get('Text') ?? 'none';
  opened.checkWritable();
  opened.set('Text', text);
  opened.setNumber('Number', 0xffff_ffff);
  const set = [opened.get('Text'), opened.get('Number')];
  opened.remove('Text');
  opened.remove('Text');
  return { before, set, after: opened.get('Text') ?? 'none' };
}
