import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSigningServer, type SigningServer } from '../../../test/support/signing-server.ts';
import { because, noLinux, noUnix } from '../../../test/support/reason.ts';
import { Trust } from './trust.ts';

let directory: string;
let caFile: string;
let server: SigningServer;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wayfarer-trust-'));
  caFile = join(directory, 'ca.pem');
  server = await startSigningServer();
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

/** Whether a handshake with the server verifies. */
function trusts(trust: Trust): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port: server.port, host: '127.0.0.1', secureContext: trust.context() });
    const done = (trusted: boolean) => () => {
      socket.destroy();
      resolve(trusted);
    };
    socket.once('secureConnect', done(true)).once('error', done(false));
  });
}

const RUBBISH = '-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n';

describe('the CA file', () => {
  it('counts as soon as it is there, without a restart', async () => {
    const trust = new Trust(caFile);
    expect(await trusts(trust)).toBe(false);
    expect(trust.problem()).toContain(caFile);
    copyFileSync(server.caFile, caFile);
    expect(await trusts(trust)).toBe(true);
    expect(trust.problem()).toBeUndefined();
  });

  it.each([
    ['empty', '', 'holds no PEM certificate'],
    ['no PEM', 'hello', 'holds no PEM certificate'],
    ['damaged', RUBBISH, "holds a certificate that can't be read"],
    ['huge', 'x'.repeat(4 * 1024 * 1024 + 1), 'larger than 4194304 bytes'],
  ])('that becomes %s is named, and what was good before still counts', async (_, text, reason) => {
    copyFileSync(server.caFile, caFile);
    const trust = new Trust(caFile);
    expect(await trusts(trust)).toBe(true);
    writeFileSync(caFile, text);
    expect(trust.problem()).toContain(caFile);
    expect(trust.problem()).toContain(reason);
    expect(await trusts(trust)).toBe(true);
  });

  it('that is replaced takes trust away from the CA that was in it', async () => {
    copyFileSync(server.caFile, caFile);
    const trust = new Trust(caFile);
    expect(await trusts(trust)).toBe(true);
    const other = await startSigningServer();
    copyFileSync(other.caFile, caFile);
    await other.close();
    expect(await trusts(trust)).toBe(false);
    expect(trust.problem()).toBeUndefined();
  });

  it.skipIf(noUnix !== undefined)(
    `that is a FIFO or a device is named at once and never waited for${because(noUnix)}`,
    async () => {
      execFileSync('mkfifo', [caFile]);
      const fifo = new Trust(caFile);
      expect(fifo.problem()).toBe(`${caFile} is not a regular file`);
      expect(await trusts(fifo)).toBe(false);
      expect(new Trust('/dev/zero').problem()).toBe('/dev/zero is not a regular file');
      expect(new Trust(directory).problem()).toContain(directory);
    },
  );

  it.skipIf(noLinux !== undefined)(
    `that claims no size is still read up to its bound${because(noLinux)}`,
    () => {
      // Its size is 0 for stat.
      expect(new Trust('/proc/self/status').problem()).toBe('/proc/self/status holds no PEM certificate');
    },
  );

  it.skipIf(noUnix !== undefined)(
    `that others may write is not trusted, and is once its rights are mended${because(noUnix)}`,
    async () => {
      copyFileSync(server.caFile, caFile);
      chmodSync(caFile, 0o666);
      const trust = new Trust(caFile);
      expect(await trusts(trust)).toBe(false);
      expect(trust.problem()).toBe(
        `${caFile} is not read: every user may write it (mode 666); run chmod go-w ${caFile}`,
      );
      chmodSync(caFile, 0o644);
      expect(await trusts(trust)).toBe(true);
      expect(trust.problem()).toBeUndefined();
    },
  );

  it('may be a link to the file of the system', async () => {
    const elsewhere = join(directory, 'elsewhere.pem');
    copyFileSync(server.caFile, elsewhere);
    symlinkSync(elsewhere, caFile);
    const trust = new Trust(caFile);
    expect(await trusts(trust)).toBe(true);
    expect(trust.problem()).toBeUndefined();
  });

  it('is not read again while it stays as it is', () => {
    copyFileSync(server.caFile, caFile);
    const trust = new Trust(caFile);
    expect(trust.context()).toBe(trust.context());
  });
});

describe('the trust store of the system', () => {
  it('counts anew when its file changes', async () => {
    const bundle = join(directory, 'system.pem');
    const other = await startSigningServer();
    copyFileSync(other.caFile, bundle);
    await other.close();
    const trust = new Trust(undefined, [join(directory, 'nowhere.pem'), bundle]);
    expect(await trusts(trust)).toBe(false);
    copyFileSync(server.caFile, bundle);
    expect(await trusts(trust)).toBe(true);
  });

  it('is what Node knows of it where its file is of no use', () => {
    const bundle = join(directory, 'system.pem');
    writeFileSync(bundle, RUBBISH);
    expect(() => new Trust(undefined, [bundle]).context()).not.toThrow();
  });
});
