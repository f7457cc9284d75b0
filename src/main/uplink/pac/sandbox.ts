import { JSException, QuickJS, type JSValueHandle, type WasiOptions } from 'quickjs-wasi';
import { pacFunctions, shellExpression, type Names } from './functions.ts';
import { MAX_TEXT, type PacJob, type PacOutcome } from './job.ts';

/** Tells that a name has to be looked up before the script can go on; the caller runs it again when it knows. */
export class UnknownName extends Error {}

/** Longest message of a script's own error that is passed on, characters. */
const MAX_MESSAGE = 200;

/**
 * Runs inside the engine before the script: brings arguments into text with the engine's own means, and matches shell
 * expressions there, where time and memory are counted. The script may replace each function by its own, as in browsers.
 */
const PRELUDE = `((natives, shellExpression) => {
  const text = String;
  const Expression = RegExp;
  const offer = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  for (const name of Object.keys(natives)) {
    const native = natives[name];
    offer(name, (...args) => {
      for (let index = 0; index < args.length; index += 1) args[index] = text(args[index]);
      return native(...args);
    });
  }
  offer('shExpMatch', (subject, pattern) =>
    new Expression(shellExpression(text(pattern))).test(text(subject)));
})`;

/** One try of a script: its outcome, or the need for a name, and how long the script ran, ms. */
export type Run =
  | { readonly outcome: PacOutcome; readonly ranMs: number }
  | { readonly unknown: UnknownName; readonly ranMs: number };

/**
 * Runs a script once in an engine of its own, so that nothing stays from one question to the next. `engine` is the
 * engine's code, `scriptMs` what is left of the script's time, `elapsed` a clock that only goes forward, ms. What
 * `names` throws as `UnknownName` ends the run at once. Never throws for what a script does; memory, stack and time are
 * bounded, but for built-in functions of the engine that never look at the clock.
 */
export async function runOnce(
  engine: Uint8Array<ArrayBuffer>,
  job: PacJob,
  names: Names,
  scriptMs: number,
  elapsed: () => number,
): Promise<Run> {
  let unknown: UnknownName | undefined;
  let late = false;
  const vm = await QuickJS.create({
    wasm: engine,
    memoryLimit: job.limits.memoryBytes,
    maxStackSize: job.limits.stackBytes,
    wasi: frozenClock(job.now),
    interruptHandler: () => {
      late ||= elapsed() - started > scriptMs;
      return late || unknown !== undefined;
    },
  });
  const started = elapsed();
  const functions = pacFunctions(names, job.now);
  const call = (name: string, args: readonly JSValueHandle[]): JSValueHandle => {
    try {
      const result = functions[name]?.(...args.map((arg) => (arg.isString ? arg.toString() : '')));
      return vm.hostToHandle(result);
    } catch (error) {
      if (error instanceof UnknownName) unknown ??= error;
      throw error;
    }
  };
  const outcome = ask(vm, job, functions, call, () => late);
  const ranMs = elapsed() - started;
  return unknown === undefined ? { outcome, ranMs } : { unknown, ranMs };
}

function ask(
  vm: QuickJS,
  job: PacJob,
  functions: ReturnType<typeof pacFunctions>,
  call: (name: string, args: readonly JSValueHandle[]) => JSValueHandle,
  isLate: () => boolean,
): PacOutcome {
  try {
    offerFunctions(vm, Object.keys(functions), call);
    vm.evalCode(job.script, 'proxy.pac');
    // Looked up by name, as a script may define it with `const`, which is no property of the global object.
    const find = vm.evalCode('typeof FindProxyForURL === "function" ? FindProxyForURL : undefined');
    if (!find.isFunction) return { reason: 'the script defines no function FindProxyForURL' };
    if (job.question === null) return { answer: '' };
    const { url, host } = job.question;
    const result = vm.callFunction(find, vm.undefined, vm.newString(url), vm.newString(host));
    if (result.isString) return { answer: result.toString().slice(0, MAX_TEXT) };
    return { reason: `FindProxyForURL returned ${kindOf(result)} instead of text` };
  } catch (error) {
    if (isLate()) return { reason: `the script ran longer than ${job.limits.scriptMs / 1000} s` };
    return { reason: reasonOf(error, job) };
  }
}

function offerFunctions(
  vm: QuickJS,
  names: readonly string[],
  call: (name: string, args: readonly JSValueHandle[]) => JSValueHandle,
): void {
  const natives = vm.newObject();
  for (const name of names) {
    vm.setProp(
      natives,
      name,
      vm.newFunction(name, (...args) => call(name, args)),
    );
  }
  const shell = vm.newFunction('shellExpression', (pattern) =>
    vm.newString(shellExpression(pattern.isString ? pattern.toString() : '')),
  );
  vm.callFunction(vm.evalCode(PRELUDE, 'functions'), vm.undefined, natives, shell);
}

function kindOf(result: JSValueHandle): string {
  if (result.isUndefined) return 'nothing';
  if (result.isNull) return 'null';
  if (result.isPromise) return 'a promise';
  return `a value of type ${result.typeof}`;
}

function reasonOf(error: unknown, { limits }: PacJob): string {
  // The runtime's own stack may end before the engine's; what it throws then has the same name and words.
  if (!(error instanceof JSException) && !(error instanceof RangeError)) return 'the script broke its engine';
  const { name, message } = error;
  if (name === 'InternalError' && message === 'out of memory') {
    return `the script needs more than ${Math.round(limits.memoryBytes / 1024 / 1024)} MB of memory`;
  }
  if (name === 'RangeError' && message.startsWith('Maximum call stack')) {
    return 'the script is nested or recurses too deeply';
  }
  const line = /proxy\.pac:(?<line>\d+)/.exec(error.stack ?? '')?.groups?.['line'];
  const where = line === undefined ? '' : ` in line ${line}`;
  const what = `${name}: ${message}`.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MAX_MESSAGE);
  return name === 'SyntaxError'
    ? `the script can't be read${where}: ${what}`
    : `the script failed${where}: ${what}`;
}

/** A clock that stands still, so that two rules of one script never disagree about midnight. */
function frozenClock(now: number): WasiOptions {
  return (memory: { readonly buffer: ArrayBuffer }) => ({
    clock_time_get: (_clock: number, _precision: bigint, result: number): number => {
      new DataView(memory.buffer).setBigUint64(result, BigInt(Math.trunc(now)) * 1_000_000n, true);
      return 0;
    },
    // What the engine itself would print goes nowhere: standard output carries the outcome.
    fd_write: (_file: number, _vectors: number, _count: number, written: number): number => {
      new DataView(memory.buffer).setUint32(written, 0, true);
      return 0;
    },
  });
}
