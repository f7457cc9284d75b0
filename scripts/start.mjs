/** `npm start`: sets up what is missing, then runs platform and agent together under Node 24. */
import { ensureInstalled } from './ensure-installed.mjs';
import { runEntry } from './runtime.mjs';

const HELP = `Starts the embedded platform and the agent on this machine and shows what they do.

  npm start                    set up what is missing, start, sync, then stay and report changes
  npm start -- --once          end with exit code 0 after the first complete sync
  npm start -- --once --json   the last line on stdout is one JSON object with the result
  npm start -- --help          this text

State lives under $WAYFARER_ROOT, else ./.wayfarer; delete that folder to begin anew. Ctrl-C ends both cleanly.
`;

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(HELP);
} else {
  await ensureInstalled();
  await runEntry('scripts/run-together.ts', args);
}
