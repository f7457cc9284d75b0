import { createNegotiator } from '../../src/main/uplink/negotiate/create-negotiator.ts';

/*
 * `handshake-loop.ts <host> <rounds>`, with --expose-gc: begins and ends that many handshakes and prints the memory of the
 * process in bytes, after a third of them and at the end, and how many gave a token.
 */

/** What the loop found. */
export interface LoopReport {
  readonly tokens: number;
  readonly bytesEarly: number;
  readonly bytesLate: number;
}

const [host = '', rounds] = process.argv.slice(2);
const negotiator = createNegotiator({
  platform: process.platform,
  uid: process.geteuid?.(),
  environment: process.env,
});
if ('unavailable' in negotiator) throw new Error(negotiator.unavailable);

let tokens = 0;
let bytesEarly = 0;
for (let round = 0; round < Number(rounds); round++) {
  const handshake = negotiator.negotiate(host);
  await handshake.step().then(
    () => tokens++,
    () => undefined,
  );
  handshake.close();
  if (round === Math.floor(Number(rounds) / 3)) bytesEarly = memory();
}
const report: LoopReport = { tokens, bytesEarly, bytesLate: memory() };
process.stdout.write(`${JSON.stringify(report)}\n`);

function memory(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}
