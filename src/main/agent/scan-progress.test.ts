import { describe, expect, it } from 'vitest';
import { LEFT_OUT, ScanProgress } from './scan-progress.ts';

const tasks = ['a', 'b', 'c'].map((id) => ({ id, table: `t${id}`, params: {} }));

describe('the progress of a scan', () => {
  it('leaves a task out only when it ended two collectors in a row', () => {
    const progress = new ScanProgress(tasks);
    progress.started('a');
    expect(progress.interrupted()).toEqual({ goesOn: true });
    progress.started('a');
    progress.finish({ id: 'a', table: 'ta' });
    progress.started('b');
    expect(progress.interrupted()).toEqual({ goesOn: true });
    progress.started('b');
    expect(progress.interrupted()).toEqual({ goesOn: true, leaveOut: tasks[1] });
    expect(progress.finished).toEqual(['a', 'b']);
    expect(progress.errors).toEqual([{ table: 'tb', reason: LEFT_OUT }]);
  });

  it('does not blame a task that had finished', () => {
    const progress = new ScanProgress(tasks);
    for (const id of ['a', 'b', 'c']) {
      progress.started(id);
      progress.finish({ id, table: id });
      expect(progress.interrupted()).toEqual({ goesOn: true });
      progress.started(id);
    }
    expect(progress.errors).toEqual([]);
  });

  it('gives up where two collectors ended before any task, and after twenty ends whatever happened between', () => {
    const idle = new ScanProgress(tasks);
    expect(idle.interrupted().goesOn).toBe(true);
    expect(idle.interrupted().goesOn).toBe(false);
    const busy = new ScanProgress(tasks);
    let ends = 0;
    do {
      busy.started(ends % 2 === 0 ? 'a' : 'b');
      ends += 1;
    } while (busy.interrupted().goesOn);
    expect(ends).toBe(21);
    expect(busy.errors).toEqual([]);
  });
});
