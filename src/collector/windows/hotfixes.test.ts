import { expect, it } from 'vitest';
import { sampleContext, rowsOf } from '../testing/sample-host.ts';
import { windowsHotfixes } from './software.ts';

it('shows an update that Windows lists twice once, with its earliest date', async () => {
  const rows = [null, '5/14/2024', '5/12/2024', null].map((installed) => ({
    id: 'KB1',
    description: 'Update',
    installed,
  }));
  const run = (): string => `${JSON.stringify({ section: 'hotfix', rows })}\n`;
  expect(await rowsOf(windowsHotfixes, sampleContext({ os: 'win32', run }))).toEqual([
    { key: 'KB1', row: { id: 'KB1', description: 'Update', installedOn: '2024-05-12' } },
  ]);
});
