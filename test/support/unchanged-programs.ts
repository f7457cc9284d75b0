import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { expect } from 'vitest';
import type { FimEvent } from '../../src/shared/host-events.ts';
import { actorsOf } from './watched-tree.ts';

/* Programs of the system that work in a watched tree, unchanged, and who is told to have made the changes. */

/** Runs a program to its end; returns its process id. Throws what it wrote to its standard error if it failed. */
export function work(cwd: string, file: string, ...args: string[]): number {
  const { error, pid, signal, status, stderr } = spawnSync(file, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 110_000,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${file} ended with ${status ?? String(signal)}: ${stderr}`);
  return pid;
}

/** Runs shell commands; each program among them is a process of its own. Returns the process id of the shell. */
export const shell = (cwd: string, script: string): number => work(cwd, '/bin/sh', '-euc', script);

interface Maker {
  /** Name of the program's file. */
  readonly program: string;
  /** Its process, where it is one alone. */
  readonly pid?: number;
}

/** Whoever is named was this program, in this process, of the user that the tests run as. Nobody need be named. */
export function expectNoneWrong(events: readonly FimEvent[], { program, pid }: Maker): void {
  console.log(JSON.stringify(actorsOf(events)));
  const named = events.flatMap(({ file, wayfarer: { actor } }) =>
    actor.state === 'known'
      ? [
          {
            path: file.path,
            program: basename(actor.process.executable ?? '?'),
            pid: actor.process.pid,
            user: actor.user?.id,
          },
        ]
      : [],
  );
  expect(named).toEqual(
    named.map((one) => ({ ...one, program, pid: pid ?? one.pid, user: String(process.getuid?.()) })),
  );
}

/** Changes that may be of nobody where the machine is busy: one of 20. */
const UNKNOWN_SHARE = 0.05;

/** As `expectNoneWrong`, of a program that lived for 50 ms or longer: it is named for 95 % of the changes, of few for all. */
export function expectMadeBy(events: readonly FimEvent[], maker: Maker): void {
  expectNoneWrong(events, maker);
  expect(events.length).toBeGreaterThan(0);
  const unknown = events.filter(({ wayfarer }) => wayfarer.actor.state === 'unknown');
  expect(unknown.length).toBeLessThanOrEqual(events.length * UNKNOWN_SHARE);
}

/** Programs that are named for the changes of each file, by the file's name. */
export function programsByFile(events: readonly FimEvent[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const event of events) {
    const [actor = '?'] = Object.keys(actorsOf([event]));
    const name = actor.startsWith('unknown') ? 'unknown' : basename(actor);
    (found[basename(event.file.path)] ??= []).push(`${event.event.action} by ${name}`);
  }
  return found;
}

/** The paths of the events of one action. */
export const pathsOf = (events: readonly FimEvent[], action: string): string[] =>
  events.filter(({ event }) => event.action === action).map(({ file }) => file.path);
