import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { extract } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolvePaths, type Paths } from '../host/paths.ts';
import { writeArchive, type Contents } from './archive.ts';
import { partsOf } from './parts.ts';

describe('the parts of an archive for support', () => {
  let root: string;
  let paths: Paths;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'wayfarer-parts-'));
    paths = resolvePaths('linux', root, {});
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  function put(file: string, content: string): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  async function made(): Promise<{ contents: Contents; read: (name: string) => string }> {
    const parts = partsOf({
      paths,
      status: { unknown: 'not asked' },
      health: { headline: 'Good', nextStep: null, checks: [], skipped: [] },
      network: { online: true, metered: false, addresses: [], gateways: [], dnsSuffixes: [] },
    });
    const file = join(root, 'd.tar.gz');
    const contents = await writeArchive(file, parts, 0, root);
    await extract({ file, cwd: root, strict: true });
    return { contents, read: (name) => readFileSync(join(root, 'wayfarer-diagnostics', name), 'utf8') };
  }

  it('hold of a file of the system nothing but its proxy settings, and of none a password', async () => {
    const [own = ''] = paths.proxy.files;
    const [shared = ''] = paths.proxy.sharedFiles;
    put(
      own,
      '# ours\nwayfarer_https_proxy=joe:S3cr3t pass@proxy.example:3128\n' +
        'wayfarer_proxy_pac="http://server/agent.pac?key=S3cr3t&more=1"\n',
    );
    put(
      shared,
      [
        'PATH=/usr/bin',
        'AWS_SECRET_ACCESS_KEY=S3cr3t',
        'DB_PASS=S3cr3t',
        'https_proxy=joe:S3cr3t@proxy.example:3128',
        'export NO_PROXY=".example.com"',
        'wayfarer_proxy_wpad=off',
        'LICENCE_PROXY_KEY=S3cr3t',
      ].join('\n'),
    );
    const { read } = await made();
    expect(read('settings/default.wayfarer-agent')).toBe(
      '# ours\nwayfarer_https_proxy=…@proxy.example:3128\n' +
        'wayfarer_proxy_pac="http://server/agent.pac?…"\n',
    );
    expect(read('settings/etc.environment')).toBe(
      'https_proxy=…@proxy.example:3128\nexport NO_PROXY=".example.com"\nwayfarer_proxy_wpad=off\n',
    );
  });

  it('are what is left where a file stands in place of the folder of the log', async () => {
    put(dirname(paths.logFile), '');
    const { contents } = await made();
    expect(contents.missing).toContainEqual({
      name: 'log/wayfarer-agent.log',
      reason: expect.stringContaining('ENOTDIR') as string,
    });
    expect(contents.files.map(({ name }) => name)).toContain('health.json');
  });
});
