import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sampleContext } from '../testing/sample-host.ts';
import { Unreadable } from '../table.ts';
import { IDENTITY_BATCH } from './identity.ts';
import { NETWORK_BATCH } from './network.ts';
import { cim, parseBatch, readSection, rowsIn, runBatch, scriptOf, type Section } from './powershell.ts';
import { SAMPLE_BATCH } from './processes.ts';
import { START_BATCH } from './services.ts';
import { SOFTWARE_BATCH } from './software.ts';
import { STORAGE_BATCH } from './storage.ts';
import { SYSTEM_BATCH } from './system.ts';

const BATCHES = {
  system: SYSTEM_BATCH,
  storage: STORAGE_BATCH,
  network: NETWORK_BATCH,
  software: SOFTWARE_BATCH,
  start: START_BATCH,
  identity: IDENTITY_BATCH,
  sample: SAMPLE_BATCH,
};

const THING: Section<{ name: string }> = {
  name: 'thing',
  script: '1',
  shape: z.object({ name: z.string() }),
};
const parse = (text: string): { name: string }[] => rowsIn(parseBatch(Buffer.from(text)), THING);

/** Counts of a bracket outside of single-quoted text. */
function balance(script: string, open: string, close: string): number {
  const code = script.replace(/'[^']*'/g, '');
  return code.split(open).length - code.split(close).length;
}

describe.each(Object.entries(BATCHES))('the script of the batch %s', (_name, batch) => {
  const script = scriptOf(batch);

  it('passes the command line unharmed: no double quote, no line break, below the limit of CreateProcess', () => {
    expect(script).not.toMatch(/["\r\n]/);
    expect(script.length).toBeLessThan(32_000);
  });

  it('closes every bracket and quote', () => {
    for (const [open, close] of ['{}', '()', '[]'].map((pair) => pair.split('') as [string, string])) {
      expect(balance(script, open, close)).toBe(0);
    }
    expect(script.split("'").length % 2).toBe(1);
  });

  it('names each section once', () => {
    expect(new Set(batch.map(({ name }) => name)).size).toBe(batch.length);
  });
});

describe('cim', () => {
  it('asks for the properties of its shape', () => {
    const section = cim({
      name: 'x',
      className: 'Win32_X',
      filter: 'A=1',
      shape: z.object({ A: z.number(), B: z.string() }),
    });
    expect(section.script).toBe(
      "Get-CimInstance -Namespace 'root/cimv2' -ClassName 'Win32_X' -Filter 'A=1' | Select-Object -Property A,B",
    );
  });
});

describe('the output of a batch', () => {
  it('is read with a byte order mark, carriage returns and blank lines', () => {
    expect(parse('\uFEFF{"section":"thing","rows":[{"name":"ä"}]}\r\n\r\n')).toEqual([{ name: 'ä' }]);
  });

  it('gives arrays back that Windows PowerShell wraps with a count', () => {
    expect(parse('{"section":"thing","rows":{"value":[{"name":"a"}],"Count":1}}')).toEqual([{ name: 'a' }]);
  });

  it('has no rows where namespace, class or hardware are missing', () => {
    for (const code of ['8004100e', '80041010', '8004100C']) {
      expect(parse(`{"section":"thing","error":"HRESULT 0x${code},Microsoft.X"}`)).toEqual([]);
    }
  });

  it('R012 is unreadable with a stable reason when it is cut, foreign or of another form', () => {
    const reason = (text: string): string => {
      try {
        return `rows ${JSON.stringify(parse(text))}`;
      } catch (error) {
        return error instanceof Unreadable ? error.message : `fault ${String(error)}`;
      }
    };
    expect(reason('{"section":"thing","rows":[{"na')).toBe('PowerShell gave output that is not JSON');
    expect(reason('Der Befehl wurde nicht gefunden.')).toBe('PowerShell gave output that is not JSON');
    expect(reason('[1,2]')).toBe('PowerShell gave a line of an unknown form');
    expect(reason('')).toBe('PowerShell gave no section thing');
    expect(reason('{"section":"thing","rows":[{"title":"a"}]}')).toBe(
      'section thing has an unknown form at name',
    );
    expect(reason('{"section":"thing","rows":null}')).toBe('section thing has an unknown form');
  });

  it('never fails in another way, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parse(`{"section":"thing","rows":${text}}`);
        } catch (error) {
          expect(error).toBeInstanceOf(Unreadable);
        }
      }),
    );
  });
});

describe('running a batch', () => {
  it('R012 says with which code PowerShell ended when it printed nothing', async () => {
    const failed = { exitCode: 5, stdout: Buffer.alloc(0), stderr: 'Zugriff verweigert' };
    const context = sampleContext({ os: 'win32', run: () => failed });
    await expect(runBatch(context, [THING])).rejects.toThrow(new Unreadable('PowerShell ended with code 5'));
  });

  it('loads no profile and asks nothing', async () => {
    const context = sampleContext({ os: 'win32', run: () => '{"section":"thing","rows":[]}' });
    expect(await readSection(context, [THING], THING)).toEqual([]);
    expect(context.calls[0]).toMatch(/^powershell\.exe -NoLogo -NoProfile -NonInteractive -Command /);
  });
});
