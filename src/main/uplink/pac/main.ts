import { text } from 'node:stream/consumers';
import { giveUpRoot } from '../../agentid/privileges.ts';
import { PacJob, type PacOutcome } from './job.ts';
import { systemResolver } from './lookups.ts';
import { evaluate, loadEngine } from './runner.ts';

/*
 * Entry point of the process that runs one proxy script: a job as JSON on standard input, its outcome as one line of
 * JSON on standard output. Nobody's script runs with the rights of root. Whoever started the process ends it once the
 * line is there: a name lookup that hangs would hold it.
 */

async function run(): Promise<PacOutcome> {
  const engine = loadEngine();
  const job = PacJob.parse(JSON.parse(await text(process.stdin)));
  try {
    giveUpRoot();
  } catch (error) {
    return { reason: `no script is run with the rights of root: ${String(error)}` };
  }
  return evaluate(job, systemResolver, engine);
}

process.stdout.write(`${JSON.stringify(await run())}\n`);
