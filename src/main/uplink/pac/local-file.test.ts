import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { because, noRoot } from '../../../../test/support/reason.ts';
import { MAX_SCRIPT } from './job.ts';
import { readLocalScript } from './local-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wf-pac-file-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
};

describe('a script in a file', () => {
  it('is read, and not fresh for a moment, so that a change counts at once', async () => {
    expect(await readLocalScript(file('a.pac', '\uFEFF// grün'))).toEqual({ script: '// grün', freshMs: 0 });
  });

  it('may stand behind a link, as alternatives do', async () => {
    const link = join(scratch, 'link.pac');
    symlinkSync(file('target.pac', '// there'), link);
    expect((await readLocalScript(link)).script).toBe('// there');
  });

  it('may be 1 MB large, and no byte more', async () => {
    expect((await readLocalScript(file('full.pac', Buffer.alloc(MAX_SCRIPT, 0x20)))).script).toHaveLength(
      MAX_SCRIPT,
    );
    await expect(readLocalScript(file('over.pac', Buffer.alloc(MAX_SCRIPT + 1, 0x20)))).rejects.toThrow(
      'is larger than 1048576 bytes',
    );
  });

  it('is refused where nothing, a directory or a device is', async () => {
    await expect(readLocalScript(join(scratch, 'none.pac'))).rejects.toThrow("can't be read: ENOENT");
    await expect(readLocalScript(scratch)).rejects.toThrow('is not a regular file');
    await expect(readLocalScript('/dev/zero')).rejects.toThrow('is not a regular file');
  });

  it('is refused while every user may write it, behind a link as well: who names the proxy gets the credentials', async () => {
    const path = file('open.pac', '// theirs');
    chmodSync(path, 0o666);
    const link = join(scratch, 'open-link.pac');
    symlinkSync(path, link);
    await expect(readLocalScript(path)).rejects.toThrow('is not read: every user may write it');
    await expect(readLocalScript(link)).rejects.toThrow('is not read: every user may write it');
    chmodSync(path, 0o664);
    expect((await readLocalScript(path)).script).toBe('// theirs');
  });

  it.skipIf(noRoot !== undefined)(`is refused while another user owns it${because(noRoot)}`, async () => {
    const path = file('foreign.pac', '// theirs');
    chownSync(path, 65_534, 65_534);
    await expect(readLocalScript(path)).rejects.toThrow('is not read: it belongs to user 65534');
  });

  it('is refused where a FIFO is, without waiting for its writer', async () => {
    const fifo = join(scratch, 'fifo.pac');
    execFileSync('mkfifo', [fifo]);
    await expect(readLocalScript(fifo)).rejects.toThrow('is not a regular file');
  });
});
