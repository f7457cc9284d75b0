import { describe, expect, it } from 'vitest';
import { SspiContext } from './sspi.ts';
import type { SecHandle, SspiLibrary } from './sspi-library.ts';

const SEC_I_CONTINUE_NEEDED = 0x90312;
const SEC_E_NO_CREDENTIALS = 0x8009030e | 0;
const SEC_E_TARGET_UNKNOWN = 0x80090303 | 0;

/** A library that counts what it gave out and what came back. */
class FakeSspi implements SspiLibrary {
  acquiring = 0;
  init: number[] = [SEC_I_CONTINUE_NEEDED, 0];
  readonly calls: { context: SecHandle | undefined; target: string; input: Buffer | undefined }[] = [];
  readonly freed: string[] = [];

  acquire = (): Promise<{ status: number; credential: SecHandle }> =>
    Promise.resolve({ status: this.acquiring, credential: { lower: 1, upper: 1 } });
  initContext = (call: {
    context: SecHandle | undefined;
    target: string;
    input: Buffer | undefined;
  }): Promise<{ status: number; context: SecHandle; token: Buffer }> => {
    this.calls.push({ context: call.context, target: call.target, input: call.input });
    const status = this.init.shift() ?? 0;
    return Promise.resolve({ status, context: { lower: 2, upper: 2 }, token: Buffer.from('token') });
  };
  deleteContext = ({ lower }: SecHandle): void => void this.freed.push(`context ${String(lower)}`);
  freeCredential = ({ lower }: SecHandle): void => void this.freed.push(`credential ${String(lower)}`);
}

describe('a context of SSPI', () => {
  it('asks for HTTP/host, carries its context on and frees everything once', async () => {
    const sspi = new FakeSspi();
    const context = new SspiContext(sspi, 'proxy.example');
    expect(await context.step(undefined)).toEqual(Buffer.from('token'));
    await context.step(Buffer.from('more'));
    expect(sspi.calls).toEqual([
      { context: undefined, target: 'HTTP/proxy.example', input: undefined },
      { context: { lower: 2, upper: 2 }, target: 'HTTP/proxy.example', input: Buffer.from('more') },
    ]);
    context.release();
    context.release();
    expect(sspi.freed).toEqual(['context 2', 'credential 1']);
  });

  it('says what a failure means, and has no context after a failed first call', async () => {
    const sspi = new FakeSspi();
    sspi.init = [SEC_E_TARGET_UNKNOWN];
    const context = new SspiContext(sspi, 'proxy.example');
    await expect(context.step(undefined)).rejects.toThrow('no service of that name (SEC_E_TARGET_UNKNOWN)');
    context.release();
    expect(sspi.freed).toEqual(['credential 1']);
  });

  it('frees nothing when there were no credentials, and shows other statuses as Windows writes them', async () => {
    const sspi = new FakeSspi();
    sspi.acquiring = SEC_E_NO_CREDENTIALS;
    const context = new SspiContext(sspi, 'proxy.example');
    await expect(context.step(undefined)).rejects.toThrow('SEC_E_NO_CREDENTIALS');
    context.release();
    expect(sspi.freed).toEqual([]);
    sspi.acquiring = 0x80090350 | 0;
    await expect(new SspiContext(sspi, 'proxy.example').step(undefined)).rejects.toThrow('0x80090350');
  });
});
