/** Runs a command line under Node 24: `node scripts/node24.mjs FILE [ARG…]`. For npm scripts. */
import { requireNode24, ROOT, run } from './runtime.mjs';

process.exitCode = await run(requireNode24(), process.argv.slice(2), { cwd: ROOT });
