import { expect, it } from 'vitest';
import { priorityTool } from './priority.ts';

it('R029 lowers the class of reads with the tool of the system, by the ids of threads on Linux', () => {
  expect(priorityTool('linux', 7, [7, 8])).toEqual({
    file: '/usr/bin/ionice',
    args: ['-c', '3', '-t', '-p', '7', '8'],
  });
  expect(priorityTool('darwin', 7, [7])).toEqual({ file: '/usr/sbin/taskpolicy', args: ['-b', '-p', '7'] });
  expect(priorityTool('win32', 7, [7])).toBeUndefined();
});
