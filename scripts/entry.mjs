/** Runs an entry point of the clone from where the caller stands: `node scripts/entry.mjs ENTRY [ARG…]`. For `bin/*.sh`. */
import { runEntry } from './runtime.mjs';

const [entry = '', ...args] = process.argv.slice(2);
await runEntry(entry, args);
