/**
 * A file watcher in a process of its own, for tests that run it as another user: `node … RULES_JSON`. Prints a line of
 * JSON for each thing it hears, `{"ready": mounts}` once it watches, and ends with its standard input.
 */
import { FileWatcher } from '../../src/collector/fim/file-watcher.ts';
import { RuleSet } from '../../src/collector/fim/rule-set.ts';
import { FimRuleParams } from '../../src/shared/file-integrity.ts';
import { processTimer } from '../../src/collector/debounce.ts';

const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const given = JSON.parse(process.argv[2] ?? '[]') as readonly unknown[];
const rules = given.map((params, at) => ({ id: `rule ${at}`, ...FimRuleParams.parse(params) }));

const watcher = new FileWatcher({
  os: 'linux',
  now: () => Date.now(),
  startTimer: processTimer,
  changes: (changes) => {
    for (const { path, what } of changes) say({ path, what });
  },
  lost: (lost) => {
    say({ lost });
  },
  failed: (text) => {
    say({ failed: text });
  },
});
watcher.start();
await watcher.setRules(new RuleSet(rules, [], 'linux'));
say({ ready: watcher.mounts() });
process.stdin.resume();
process.stdin.on('end', () => {
  void watcher.stop().then(() => process.exit(0));
});
