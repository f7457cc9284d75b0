import { lookup } from 'node:dns/promises';
import { request } from 'node:http';
import { z } from 'zod';
import { Uuid } from '../../shared/ids.ts';
import { reasonOf } from '../errors.ts';

/** What a host answered, and on which of its ports; or why none of them did. */
export type Read =
  | { readonly address: string; readonly port: number; readonly correlationId: string }
  | { readonly address: string; readonly reasons: readonly string[] };

/** How long one port may take, ms, and how much it may say, bytes: it is somebody else's host. */
const PORT_MS = 2_000;
const MAX_BYTES = 1_024;

const Answer = z.object({ correlationId: Uuid });

/**
 * Reads the correlation identifier of a host as a scanner does: asks its ports one after the other, in ascending order,
 * and takes the first that answers. Names are resolved here, since the endpoint is asked by address. Throws what the
 * resolver throws.
 */
export async function readIdentifier(
  host: string,
  ports: readonly number[],
  portMs = PORT_MS,
): Promise<Read> {
  const { address } = await lookup(host);
  const reasons: string[] = [];
  for (const port of [...ports].sort((a, b) => a - b)) {
    try {
      const body = await get(address, port, portMs);
      const answer = Answer.safeParse(JSON.parse(body));
      if (answer.success) return { address, port, correlationId: answer.data.correlationId };
      reasons.push(`${String(port)}: something else answers`);
    } catch (error) {
      reasons.push(`${String(port)}: ${shortReason(error)}`);
    }
  }
  return { address, reasons };
}

function shortReason(error: unknown): string {
  if (error instanceof SyntaxError) return 'something else answers';
  if (error instanceof Error && 'code' in error) return String(error.code);
  return reasonOf(error);
}

function get(host: string, port: number, ms: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ms);
    const asked = request({ host, port, path: '/', agent: false, maxHeaderSize: 4_096, signal }, (answer) => {
      if (answer.statusCode !== 200) {
        answer.destroy();
        reject(new Error(`status ${String(answer.statusCode)}`));
        return;
      }
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > MAX_BYTES) answer.destroy(new Error('says too much'));
      });
      answer.once('end', () => {
        resolve(text);
      });
      answer.once('error', reject);
    });
    asked.once('error', (error) => {
      reject(signal.aborted ? new Error('no answer in time') : error);
    });
    asked.end();
  });
}
