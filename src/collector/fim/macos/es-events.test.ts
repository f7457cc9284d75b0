import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_LIMITS } from '../../../shared/host-events.ts';
import { CHANGE } from '../change.ts';
import { EsActors } from './actors.ts';
import { readMessage, type EsSaid } from './es-events.ts';
import { isIdle, parseEsLine, sequenceOf, timeOf } from './es-message.ts';
import { behindPrivate } from './private-paths.ts';
import { esLine, file, process } from './testing/es-line.ts';

const AT = Date.parse('2026-11-28T01:02:04.987Z');
const newActors = () => new EsActors((uid) => (uid === 501 ? 'anna' : undefined));

function said(event: object, given: { by?: object; actors?: EsActors } = {}): EsSaid {
  const { by = process('/bin/zsh'), actors = newActors() } = given;
  const message = parseEsLine(esLine(event, { by }));
  expect(message).toBeDefined();
  return readMessage(message!, actors);
}
const changesOf = (event: object) =>
  said(event).changes.map(({ path, what, directory, from }) => ({
    path,
    what,
    directory,
    ...(from === undefined ? {} : { from }),
  }));

describe('changes of files in lines of eslogger', () => {
  const target = file('/private/etc/hosts');

  it.each([
    ['close', { modified: true, target }, CHANGE.modified | CHANGE.closedAfterWrite],
    [
      'close',
      { modified: false, was_mapped_writable: true, target },
      CHANGE.modified | CHANGE.closedAfterWrite,
    ],
    ['unlink', { target, parent_dir: file('/private/etc', 0o40755) }, CHANGE.deleted],
    ['truncate', { target }, CHANGE.modified],
    ['setmode', { target, mode: 0o600 }, CHANGE.attributes],
    ['setowner', { target, uid: 0, gid: 0 }, CHANGE.attributes],
    ['setflags', { target, flags: 2 }, CHANGE.attributes],
    ['setacl', { target, set_or_clear: 0 }, CHANGE.attributes],
    ['setextattr', { target, extattr: 'com.apple.quarantine' }, CHANGE.attributes],
    ['deleteextattr', { target, extattr: 'com.apple.quarantine' }, CHANGE.attributes],
    ['utimes', { target, atime: '', mtime: '' }, CHANGE.attributes],
  ])('R200 R208 reads %s', (name, payload, what) => {
    expect(changesOf({ [name]: payload })).toEqual([{ path: '/private/etc/hosts', what, directory: false }]);
  });

  it('R200 reads where a file was created, in both forms of a destination', () => {
    const made = { path: '/Users/anna/new', what: CHANGE.created, directory: false };
    const existing = { existing_file: file('/Users/anna/new') };
    expect(changesOf({ create: { destination_type: 0, destination: existing } })).toEqual([made]);
    const fresh = (dir: string) => ({ new_path: { dir: file(dir, 0o40755), filename: 'new', mode: 420 } });
    expect(changesOf({ create: { destination_type: 1, destination: fresh('/Users/anna') } })).toEqual([made]);
    expect(changesOf({ create: { destination_type: 1, destination: fresh('/Users/anna/') } })).toEqual([
      made,
    ]);
    const directory = { existing_file: file('/Users/anna/new', 0o40755) };
    expect(changesOf({ create: { destination_type: 0, destination: directory } })).toEqual([
      { ...made, directory: true },
    ]);
  });

  it('R200 reads both ends of a move', () => {
    const source = file('/Users/anna/a', 0o40755);
    const destination = { new_path: { dir: file('/Users/anna/sub', 0o40755), filename: 'b' } };
    expect(changesOf({ rename: { source, destination_type: 1, destination } })).toEqual([
      { path: '/Users/anna/a', what: CHANGE.movedFrom, directory: true },
      { path: '/Users/anna/sub/b', what: CHANGE.movedTo, directory: true, from: '/Users/anna/a' },
    ]);
    const over = { existing_file: file('/Users/anna/c') };
    expect(changesOf({ rename: { source: file('/t'), destination_type: 0, destination: over } })[1]).toEqual({
      path: '/Users/anna/c',
      what: CHANGE.movedTo,
      directory: false,
      from: '/t',
    });
  });

  it('R200 reads links, clones and copies as new names with content', () => {
    const what = CHANGE.created | CHANGE.closedAfterWrite;
    const source = file('/a/one');
    const target_dir = file('/b', 0o40755);
    const made = [{ path: '/b/two', what, directory: false }];
    expect(changesOf({ link: { source, target_dir, target_filename: 'two' } })).toEqual(made);
    expect(changesOf({ clone: { source, target_dir, target_name: 'two' } })).toEqual(made);
    expect(
      changesOf({
        copyfile: { source, target_file: null, target_dir, target_name: 'two', mode: 0, flags: 0 },
      }),
    ).toEqual(made);
  });

  it('says nothing of a file that was closed as it had been opened', () => {
    expect(said({ close: { modified: false, was_mapped_writable: false, target } })).toEqual({ changes: [] });
  });

  it('gives no path that Endpoint Security has cut, but says that there was one', () => {
    const cut = { ...target, path_truncated: true };
    expect(said({ unlink: { target: cut } })).toEqual({ changes: [], cut: ['/private/etc/hosts'] });
    const dir = { ...file('/long', 0o40755), path_truncated: true };
    const destination = { new_path: { dir, filename: 'x' } };
    expect(said({ create: { destination_type: 1, destination } })).toEqual({ changes: [], cut: ['/long'] });
    expect(said({ link: { source: target, target_dir: dir, target_filename: 'x' } }).cut).toEqual(['/long']);
  });

  it('R200 tells of the end of a move whose path is whole, where the other is cut', () => {
    const dir = { ...file('/long', 0o40755), path_truncated: true };
    const cutDestination = { new_path: { dir, filename: 'x' } };
    const away = said({ rename: { source: target, destination_type: 1, destination: cutDestination } });
    expect(away).toMatchObject({ changes: [{ path: target.path, what: CHANGE.movedFrom }], cut: ['/long'] });
    const cut = { ...file('/deep'), path_truncated: true };
    const here = said({ rename: { source: cut, destination: { existing_file: target } } });
    expect(here).toMatchObject({ changes: [{ path: target.path, what: CHANGE.movedTo }], cut: ['/deep'] });
    expect(here.changes[0]?.from).toBeUndefined();
    const both = said({ rename: { source: cut, destination_type: 1, destination: cutDestination } });
    expect(both).toEqual({ changes: [], cut: ['/deep', '/long'] });
  });

  it('R200 R208 names who did it: program, user, log-in, start and parent', () => {
    const actors = newActors();
    const by = process('/usr/bin/vi%m', { pid: 700, pidversion: 9, euid: 0 });
    said({ exec: { target: by, args: ['vim', '--password=geheim', '/etc/hosts'] } }, { actors });
    const [change] = said({ close: { modified: true, target } }, { by, actors }).changes;
    expect(change?.at).toBe(AT);
    expect(change?.by).toEqual({
      actor: {
        state: 'known',
        process: {
          pid: 700,
          name: 'vi%25m',
          executable: '/usr/bin/vi%25m',
          command_line: 'vim --password=[redacted] /etc/hosts',
          start: '2026-11-28T01:02:03.123Z',
          parent: { pid: 600 },
        },
        user: { id: '0' },
        login_user: { id: '501', name: 'anna' },
      },
    });
  });

  it('leaves out what is not known of an actor', () => {
    const by = {
      audit_token: { pid: 5, auid: 0xffff_ffff },
      executable: { path: '/sbin/launchd' },
      start_time: 'soon',
    };
    const [change] = said({ unlink: { target } }, { by }).changes;
    expect(change?.by).toEqual({
      actor: { state: 'known', process: { pid: 5, name: 'launchd', executable: '/sbin/launchd' } },
    });
  });

  it('labels what installs software where Apple has signed it, and only there', () => {
    const managerOf = (path: string, signed: boolean) =>
      said({ unlink: { target } }, { by: process(path, {}, { is_platform_binary: signed }) }).changes[0]?.by
        .packageManager;
    const installd = '/System/Library/PrivateFrameworks/PackageKit.framework/Resources/installd';
    expect(managerOf(installd, true)).toBe('installer');
    expect(managerOf('/usr/libexec/softwareupdated', true)).toBe('softwareupdate');
    expect(managerOf('/Users/anna/installd', false)).toBeUndefined();
    expect(managerOf('/bin/zsh', true)).toBeUndefined();
  });
});

describe('processes in lines of eslogger', () => {
  it('R201 reads a start with the parent that is known from its own', () => {
    const actors = newActors();
    said(
      { exec: { target: process('/bin/zsh', { pid: 600, pidversion: 1_400 }), args: ['-zsh'] } },
      { actors },
    );
    const started = said(
      { exec: { target: process('/bin/ls', { pidversion: 1_501 }), args: ['ls', '-l'] } },
      { actors },
    );
    expect(started.changes).toEqual([]);
    expect(started.process?.image?.path).toBe('/bin/ls');
    expect(started.process?.reported).toEqual({
      action: 'process_started',
      at: AT,
      provider: 'eslogger',
      executable: '/bin/ls',
      process: {
        pid: 612,
        name: 'ls',
        executable: '/bin/ls',
        command_line: 'ls -l',
        start: '2026-11-28T01:02:03.123Z',
        parent: { pid: 600, name: 'zsh', executable: '/bin/zsh' },
      },
      user: { id: '501', name: 'anna' },
      loginUser: { id: '501', name: 'anna' },
    });
  });

  it('R201 reads the arguments also as a list of tokens, and starts without any that it knows', () => {
    const target = process('/bin/ls');
    const lineOf = (args: unknown) => said({ exec: { target, args } }).process?.reported.process.command_line;
    expect(lineOf({ count: 2, items: [{ value: 'ls' }, { value: '-a' }] })).toBe('ls -a');
    expect(lineOf(7)).toBe('');
  });

  it.each([
    [['curl', '-u', 'anna:geheim', 'https://x.example'], 'curl -u anna:[redacted] https://x.example'],
    [['/usr/local/bin/mysql', '-pgeheim', '-p', 'geheim'], '/usr/local/bin/mysql -p[redacted] -p [redacted]'],
    [['job', '--password', 'zwei geheim', '--now'], 'job --password [redacted] --now'],
    [['sh', '-c', 'job --token=geheim; ls'], 'sh -c job --token=[redacted]; ls'],
    [['job', 'Authorization: Bearer geheim'], 'job Authorization: [redacted]'],
  ])('R201 blanks secrets in the arguments of %j, each by itself', (args, expected) => {
    const { command_line: line } =
      said({ exec: { target: process('/bin/job'), args } }).process?.reported.process ?? {};
    expect(line).toBe(expected);
  });

  it('R201 reads as much of a long command line as an event may have, fast', () => {
    const lineOf = (args: string[]) =>
      said({ exec: { target: process('/bin/job'), args } }).process?.reported.process.command_line;
    const long = lineOf(['job', '-'.repeat(9_000)]);
    expect(long).toHaveLength(EVENT_LIMITS.commandLine);
    expect(long).toMatch(/^job -+\.\.\.$/);
    const begin = performance.now();
    expect(lineOf(Array.from({ length: 100_000 }, () => '-password'))).toHaveLength(EVENT_LIMITS.commandLine);
    expect(performance.now() - begin).toBeLessThan(500);
  });

  it('R201 reads the code of an end, or the signal', () => {
    const codeOf = (stat: number) => said({ exit: { stat } }).process?.reported.process.exit_code;
    expect(said({ exit: { stat: 0 } }).process?.reported.action).toBe('process_ended');
    expect([codeOf(0), codeOf(256), codeOf(9), codeOf(15), codeOf(0xff00)]).toEqual([0, 1, 137, 143, 255]);
  });

  it('knows the command line of a child that starts nothing, and of nobody after its end', () => {
    const actors = newActors();
    const parent = process('/bin/sh', { pid: 1_000, pidversion: 1 });
    const child = process('/bin/sh', { pid: 1_001, pidversion: 2 });
    const lineOf = (by: object) => {
      const actor = said({ unlink: { target: file('/x') } }, { by, actors }).changes[0]?.by.actor;
      return actor?.state === 'known' ? actor.process.command_line : 'unknown';
    };
    said({ exec: { target: parent, args: ['sh', 'job'] } }, { actors });
    expect(said({ fork: { child } }, { by: parent, actors })).toEqual({ changes: [] });
    expect(lineOf(child)).toBe('sh job');
    expect(lineOf(process('/bin/sh', { pid: 1_001, pidversion: 3 }))).toBeUndefined();
    said({ exit: { stat: 0 } }, { by: child, actors });
    expect(lineOf(child)).toBeUndefined();
    said({ fork: { child } }, { by: process('/bin/zsh', { pid: 5, pidversion: 5 }), actors });
    expect(lineOf(child)).toBeUndefined();
  });

  it('R201 reads the end of a process that ran a program of its own, and of no mere fork', () => {
    const actors = newActors();
    const shell = process('/bin/sh', { pid: 1_000, pidversion: 1 });
    const child = process('/bin/sh', { pid: 1_001, pidversion: 2 });
    const program = process('/bin/ls', { pid: 1_001, pidversion: 3 });
    const end = (by: object) => said({ exit: { stat: 0 } }, { by, actors }).process?.reported.executable;
    said({ fork: { child } }, { by: shell, actors });
    expect(end(child)).toBeUndefined();
    said({ fork: { child } }, { by: shell, actors });
    said({ exec: { target: program, args: ['ls'] } }, { by: child, actors });
    expect(end(program)).toBe('/bin/ls');
    // It was there before anybody listened: what it is was never heard.
    expect(end(shell)).toBe('/bin/sh');
  });

  it('reads a start whose file has numbers that are too large for JSON', () => {
    const executable = { ...file('/bin/ls'), stat: { st_mode: 0o100755, st_ino: 1152921500312404900 } };
    const target = process('/bin/ls', {}, { executable });
    expect(said({ exec: { target, args: [] } }).process?.image?.stat?.st_ino).toBe(1152921500312404900);
  });

  it('remembers no more than a bounded number of processes, the newest', () => {
    const actors = newActors();
    for (let pid = 1; pid <= 8_193; pid += 1) {
      actors.started(process('/bin/a', { pid, pidversion: pid }), [String(pid)], { pid });
    }
    const lineOf = (pid: number) => actors.process(process('/bin/a', { pid, pidversion: pid })).command_line;
    expect([lineOf(1), lineOf(2), lineOf(8_193)]).toEqual([undefined, '2', '8193']);
  });

  it('bounds a command line, and cuts no escape in two', () => {
    const line = said({ exec: { target: process('/bin/echo'), args: ['\n'.repeat(1_000_000)] } }).process;
    const text = line?.reported.process.command_line ?? '';
    expect(EVENT_LIMITS.commandLine - text.length).toBeLessThan(3);
    expect(text).toMatch(/^(?:%0A)+\.\.\.$/);
  });
});

describe('lines that are none', () => {
  const whole = esLine({ unlink: { target: file('/x') } });

  it.each([
    ['nothing', ''],
    ['a cut line', whole.slice(0, -2)],
    ['words', 'Failed to create ES client: Not privileged'],
    ['another JSON', '[1,2,3]'],
    ['null', 'null'],
    ['an event that was not asked for', esLine({ mount: { statfs: {} } })],
    ['an event by its inherited name', esLine({ toString: { target: file('/x') } })],
    ['a payload of another schema', esLine({ unlink: { path: '/x' } })],
    ['an empty path', esLine({ unlink: { target: file('') } })],
    ['a time that is none', whole.replace(/"time":"[^"]+"/, '"time":"now"')],
    ['a time of no day', whole.replace(/"time":"[^"]+"/, '"time":"2026-99-99T00:00:00Z"')],
    ['no process', whole.replace('"process":', '"other":')],
  ])('%s is no message', (_what, line) => {
    expect(parseEsLine(line)).toBeUndefined();
  });

  it('reads a message with fields and a schema of a later release', () => {
    const later = whole.replace('"schema_version":1', '"schema_version":99,"news":{"deep":[1]}');
    expect(parseEsLine(later)?.event).toMatchObject({ name: 'unlink', target: { path: '/x' } });
  });

  it('never throws, whatever a line is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.nat(whole.length).map((at) => whole.slice(0, at)),
        ),
        (line) => {
          const message = parseEsLine(line);
          expect(message === undefined || message.event.name === 'unlink').toBe(true);
        },
      ),
    );
    const events = fc.dictionary(fc.constantFrom('exec', 'fork', 'exit', 'rename', 'close'), fc.jsonValue());
    fc.assert(
      fc.property(events, (event) => {
        const message = parseEsLine(esLine(event));
        if (message !== undefined) expect(readMessage(message, newActors())).toBeDefined();
      }),
    );
  });
});

describe('what is taken from a line without parsing it', () => {
  it('is its number, not one that stands in a string', () => {
    const hostile = esLine({ unlink: { target: file('/x"global_seq_num":7') } }, { sequence: 42 });
    expect(sequenceOf(Buffer.from(hostile))).toBe(42);
    expect(sequenceOf(Buffer.from('{"global_seq_num": 9}'))).toBe(9);
    expect(sequenceOf(Buffer.from('{"global_seq_num":"x"}'))).toBeUndefined();
    expect(sequenceOf(Buffer.from('{}'))).toBeUndefined();
  });

  it('is whether the file was only read, unless it was mapped for writing', () => {
    const close = (payload: object) => Buffer.from(esLine({ close: { target: file('/x'), ...payload } }));
    expect(isIdle(close({ modified: false }))).toBe(true);
    expect(isIdle(close({ modified: true }))).toBe(false);
    expect(isIdle(close({ modified: false, was_mapped_writable: true }))).toBe(false);
    expect(isIdle(Buffer.from(esLine({ unlink: { target: file('/"modified":false') } })))).toBe(false);
  });

  it('reads instants of any precision', () => {
    expect(timeOf('2026-11-28T01:02:04.987654321Z')).toBe(AT);
    expect(timeOf('2026-11-28T01:02:04Z')).toBe(AT - 987);
    expect([timeOf(undefined), timeOf('1'), timeOf('x2026-11-28T01:02:04Z')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('the links at the root of macOS', () => {
  it('lead below /private, names that only begin alike do not', () => {
    expect(['/etc', '/etc/hosts', '/tmp/x', '/var/log'].map(behindPrivate)).toEqual([
      '/private/etc',
      '/private/etc/hosts',
      '/private/tmp/x',
      '/private/var/log',
    ]);
    expect(['/etcetera', '/private/etc', '/Users/etc', 'etc'].map(behindPrivate)).toEqual([
      '/etcetera',
      '/private/etc',
      '/Users/etc',
      'etc',
    ]);
  });
});
