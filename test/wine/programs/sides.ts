import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { windowsCalls } from '../../../src/collector/edr/windows/calls.ts';
import { WindowsSides } from '../../../src/collector/edr/windows/sides.ts';
import { loadKoffi } from '../../../src/collector/native/koffi.ts';
import type { UnsealedEdrEvent } from '../../../src/wire/event-chain.ts';

const RULES = {
  listener: [{ id: 'listeners', severity: 'low' as const, exclude: [] }],
  mutex: [
    { id: 'mutexes', severity: 'high' as const, names: ['Global\\Wayfarer?lobal', 'Wayfarer*Session'] },
  ],
};

/** Timers that fire when they are told to. */
class Timers {
  #waiting = new Set<() => void>();

  readonly start = (_ms: number, fire: () => void): (() => void) => {
    this.#waiting.add(fire);
    return () => this.#waiting.delete(fire);
  };

  fire(): void {
    const due = this.#waiting;
    this.#waiting = new Set();
    for (const fire of due) fire();
  }
}

function brief({ event, server, process: holder, wayfarer }: UnsealedEdrEvent): string {
  const what =
    server === undefined ? wayfarer.item : [server.transport, server.address, server.port].join(' ');
  return `${event.action} ${what ?? ''}${holder === undefined ? '' : ` by ${holder.executable ?? ''}`}`;
}

/** Opens sockets and makes mutexes between looks. */
export async function work(): Promise<unknown> {
  const events: string[] = [];
  const timers = new Timers();
  const calls = windowsCalls();
  const sides = new WindowsSides({
    calls,
    now: () => Date.now(),
    startTimer: timers.start,
    newId: () => crypto.randomUUID(),
    known: () => undefined,
    events: (told) => events.push(...told.map(brief)),
    lost: (reason, count) => events.push(`lost ${String(count)}: ${reason}`),
  });
  sides.setRules(RULES);
  const atFirst = events.splice(0);
  const servers = ['127.0.0.1', '::1'].map((host) => createServer().listen(0, host));
  const udp = createSocket('udp4').bind(5_354, '127.0.0.1');
  await Promise.all([...servers, udp].map((one) => once(one, 'listening')));
  const kernel32 = loadKoffi().load('kernel32.dll');
  const createMutex = kernel32.func(
    'intptr_t __stdcall CreateMutexW(void *security, int32 owned, str16 name)',
  );
  const closeHandle = kernel32.func('int32 __stdcall CloseHandle(intptr_t handle)');
  const held = ['Global\\WayfarerGlobal', 'WayfarerInSession', 'Other'].map(
    (name) => createMutex(null, 0, name) as unknown,
  );
  const look = (): string[] => {
    timers.fire();
    return events.splice(0).sort();
  };
  const opened = look();
  const again = look();
  for (const handle of held) closeHandle(handle);
  const closed = look();
  createMutex(null, 0, 'WayfarerInSession');
  const anew = look();
  const problems = sides.problems();
  sides.stop();
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  return { atFirst, opened, again, closed, anew, problems, ports, image: calls.image(process.pid) };
}
