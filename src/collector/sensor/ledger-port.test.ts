import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { until } from '../../../test/support/until.ts';
import { processTimer } from '../debounce.ts';
import type { FromLedger } from '../fim/ledger/messages.ts';
import { openLedger } from './ledger-port.ts';

it('the thread of the ledger answers a question, which shows that it does not hang', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'wf-ledger-port-'));
  const heard: FromLedger[] = [];
  const ended: string[] = [];
  const ledger = openLedger(
    { file: join(dir, 'ledger.db'), os: 'linux', startTimer: processTimer },
    { message: (message) => void heard.push(message), ended: (reason) => void ended.push(reason) },
  );
  try {
    ledger.post({ kind: 'ping' });
    await until('the answer', () => heard.find(({ kind }) => kind === 'pong'));
  } finally {
    await ledger.stop();
    rmSync(dir, { recursive: true });
  }
  expect(ended).toEqual([]);
});
