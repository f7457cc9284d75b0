import { text } from 'node:stream/consumers';
import { PacJob } from './job.ts';
import { systemResolver } from './lookups.ts';
import { evaluate } from './runner.ts';

/*
 * Entry point of the process that runs one proxy script: a job as JSON on standard input, its outcome as one line of
 * JSON on standard output. Whoever started it ends it once the line is there: a name lookup that hangs would hold it.
 */

const job = PacJob.parse(JSON.parse(await text(process.stdin)));
const outcome = await evaluate(job, systemResolver);
process.stdout.write(`${JSON.stringify(outcome)}\n`);
