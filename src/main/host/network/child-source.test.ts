import { writeFileSync, mkdtempSync, rmSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { because, noUnix } from '../../../../test/support/reason.ts';
import { ChildSource, type WatchCommand } from './child-source.ts';
import { FakeTime, settled } from './testing/fake-time.ts';

const folder = mkdtempSync(join(tmpdir(), 'wf-child-'));

/** A program of our own that runs this text under Node. */
function program(text: string, input?: string): WatchCommand {
  const command = { files: ['/nonexistent/ip', process.execPath], args: ['-e', text] };
  return input === undefined ? command : { ...command, input };
}

const SILENT = 'setInterval(() => {}, 1e6)';

/** What a source said, and a promise for each word. */
class Ears {
  readonly said: string[] = [];
  #waiting: { word: string; resolve: () => void }[] = [];

  readonly events = {
    hint: (): void => {
      this.#say('hint');
    },
    up: (): void => {
      this.#say('up');
    },
    down: (reason: string): void => {
      this.#say(`down: ${reason}`);
    },
  };

  hears(word: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ word, resolve }));
  }

  #say(word: string): void {
    this.said.push(word);
    const heard = this.#waiting.filter((waiting) => word.startsWith(waiting.word));
    this.#waiting = this.#waiting.filter((waiting) => !heard.includes(waiting));
    for (const { resolve } of heard) resolve();
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(noUnix !== undefined)(`a program that watches${because(noUnix)}`, () => {
  const time = new FakeTime();
  const ears = new Ears();
  const sources: ChildSource[] = [];
  const source = (command: WatchCommand, clock = time.clock): ChildSource => {
    const made = new ChildSource('watch', command, clock);
    sources.push(made);
    return made;
  };
  afterEach(async () => {
    for (const made of sources.splice(0)) await made.stop();
    ears.said.length = 0;
    rmSync(join(folder, 'input'), { force: true });
  });

  it('gives a hint for whatever it prints', async () => {
    const heard = ears.hears('hint');
    source(program(`console.log('2: eth0 inet 192.0.2.7/24'); ${SILENT}`)).start(ears.events);
    await heard;
    expect(ears.said).toContain('hint');
  });

  it('counts as listening once it has lived for a second', async () => {
    source(program(SILENT)).start(ears.events);
    await time.pass(999);
    expect(ears.said).toEqual([]);
    await time.pass(1);
    expect(ears.said).toEqual(['up']);
  });

  it('gets its input and keeps it open', async () => {
    const file = join(folder, 'input');
    const text = `process.stdin.on('data', (d) => { require('fs').appendFileSync(${JSON.stringify(file)}, d); console.log(1); }).on('end', () => process.exit(3))`;
    const heard = ears.hears('hint');
    source(program(text, 'n.watch\n')).start(ears.events);
    await heard;
    expect(readFileSync(file, 'utf8')).toBe('n.watch\n');
    expect(ears.said).toEqual(['hint']);
  });

  it('is started again when it was killed, with longer pauses while it does not live', async () => {
    const killed = source(program(SILENT));
    killed.start(ears.events);
    for (const pause of [1_000, 2_000, 4_000]) {
      const down = ears.hears('down: ended (SIGKILL)');
      process.kill(killed.pid ?? 0, 'SIGKILL');
      await down;
      await time.pass(pause - 1);
      expect(killed.pid).toBeUndefined();
      await time.pass(1);
      expect(killed.pid).toBeGreaterThan(0);
    }
    await time.pass(60_000);
    const down = ears.hears('down');
    process.kill(killed.pid ?? 0, 'SIGKILL');
    await down;
    await time.pass(1_000);
    expect(killed.pid).toBeGreaterThan(0);
  });

  it('says with what code it ended', async () => {
    const down = ears.hears('down');
    source(program('process.exit(7)')).start(ears.events);
    await down;
    expect(ears.said).toEqual(['down: ended (exit code 7)']);
  });

  it('is down where it is not installed, and looked for again', async () => {
    const file = join(folder, 'late');
    source({ files: [file], args: [] }).start(ears.events);
    expect(ears.said).toEqual(['down: is not installed']);
    writeFileSync(file, `#!/bin/sh\nexec sleep 1000\n`, { mode: 0o755 });
    await time.pass(2_000);
    expect(ears.said).toEqual(['down: is not installed', 'up']);
    rmSync(file);
  });

  it('is down where it can not be started', async () => {
    const file = join(folder, 'broken');
    writeFileSync(file, '#!/nonexistent/interpreter\n', { mode: 0o755 });
    const down = ears.hears('down: could not be started');
    source({ files: [file], args: [] }).start(ears.events);
    await down;
    rmSync(file);
  });

  it('is gone after the end, and nothing of it comes any more', async () => {
    const made = source(program(`setInterval(() => console.log('x'), 5)`));
    const heard = ears.hears('hint');
    made.start(ears.events);
    await heard;
    const pid = made.pid ?? 0;
    await made.stop();
    expect(isAlive(pid)).toBe(false);
    const before = ears.said.length;
    await time.pass(600_000);
    await settled();
    expect(ears.said).toHaveLength(before);
    expect(made.pid).toBeUndefined();
  });
});
