import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import { because, noRoot } from '../../../test/support/reason.ts';
import { ControlClient } from './client.ts';
import { ControlHost } from './testing/still-core.ts';

let host: ControlHost;
let endpoints: ControlHost['endpoints'];
beforeEach(async () => {
  host = new ControlHost();
  ({ endpoints } = host);
  await host.open();
});
afterEach(() => host.dispose());

describe('the endpoints', () => {
  it('are open to everyone and to the owner alone', () => {
    expect(lstatSync(endpoints.read).mode & 0o777).toBe(0o666);
    expect(lstatSync(endpoints.admin).mode & 0o777).toBe(0o600);
  });

  it('leave the umask as it was, and go when they are closed', async () => {
    const mask = process.umask(0o022);
    process.umask(mask);
    expect(mask).not.toBe(0o177);
    await host.close();
    expect(() => lstatSync(endpoints.read)).toThrow('ENOENT');
    expect(() => lstatSync(endpoints.admin)).toThrow('ENOENT');
  });

  it('replace what an agent that was killed left behind', async () => {
    await host.close();
    const abandoned = `require('node:net').createServer().listen(${JSON.stringify(endpoints.read)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await promisify(execFile)(process.execPath, ['-e', abandoned]).catch(() => undefined);
    expect(lstatSync(endpoints.read).isSocket()).toBe(true);
    await host.open();
    expect((await new ControlClient(endpoints.read).status()).pid).toBe(STATUS.pid);
  });

  it('close the first when the second can not be opened', async () => {
    await host.close();
    mkdirSync(endpoints.read);
    await expect(host.open()).rejects.toThrow();
    expect(() => lstatSync(endpoints.admin)).toThrow('ENOENT');
  });
});

describe.skipIf(noRoot !== undefined)(`a user without rights${because(noRoot)}`, () => {
  it('reads the status, and gets nowhere near the admin endpoint', async () => {
    // A runtime that the user may execute: the one of the tests may lie in a closed directory.
    const node = join(host.directory, 'node');
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    const ask = async (endpoint: string): Promise<string> => {
      const program = `require('node:http').get({ socketPath: ${JSON.stringify(endpoint)}, path: '/v1/status' },
        (response) => { console.log(response.statusCode); response.resume(); }).on('error', (error) => console.log(error.code))`;
      const { stdout } = await promisify(execFile)(
        'setpriv',
        ['--reuid=65534', '--regid=65534', '--clear-groups', node, '-e', program],
        { cwd: '/' },
      );
      return stdout.trim();
    };
    expect(await ask(endpoints.read)).toBe('200');
    expect(await ask(endpoints.admin)).toBe('EACCES');
  });
});
