import { sampledReaders, type Sample, type SampledProcess, type SampledSocket } from '../runtime-sample.ts';
import { Unreadable, type ReadContext } from '../table.ts';
import { textOf } from './commands.ts';

/**
 * What runs and listens.
 * Formats: ps(1) -o with empty headers, where `comm` is the path of the executable; lsof(8), "Output for other
 * programs" (-F).
 */
const PROCESS = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+)$/;

/** Processes in the output of `ps -axww -o pid=,ppid=,user=,comm=`. */
export function parsePs(output: string): SampledProcess[] {
  return output.split('\n').flatMap((line) => {
    const match = PROCESS.exec(line);
    if (match === null) return [];
    const [, pid = '', parent = '', user = '', path = ''] = match;
    // `(name)` stands for a process that is ending, or whose path the kernel hides.
    return [{ pid: Number(pid), parent: Number(parent), user, path: path.startsWith('/') ? path : null }];
  });
}

/** `*:631`, `127.0.0.1:631`, `[::1]:631`; a connection has `->` in it and is none that listens. */
const ENDPOINT = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]+)):(\d+)$/i;

const LSOF = ['-nP', '-iTCP', '-sTCP:LISTEN', '-iUDP', '-FpuPtn'] as const;

/** A socket with the number of the user whose process holds it, where lsof has that. */
export interface HeldSocket extends SampledSocket {
  readonly uid?: number;
}

/** Sockets in the output of `lsof -nP -iTCP -sTCP:LISTEN -iUDP -FpuPtn`: one field a line, its first letter the name. */
export function parseLsof(output: string): HeldSocket[] {
  const sockets: HeldSocket[] = [];
  let pid = 0;
  let uid: { readonly uid?: number } = {};
  let version = '';
  let kind = '';
  for (const line of output.split('\n')) {
    const field = line.slice(1);
    if (line.startsWith('p')) [pid, uid] = [Number(field), {}];
    if (/^u\d{1,10}$/.test(line)) uid = { uid: Number(field) };
    if (line.startsWith('f')) version = kind = '';
    if (line.startsWith('t')) version = field;
    if (line.startsWith('P')) kind = field.toLowerCase();
    const match = line.startsWith('n') ? ENDPOINT.exec(field) : null;
    if (match === null || (kind !== 'tcp' && kind !== 'udp')) continue;
    const named = (match[1] ?? match[2] ?? '').replace(/%.*$/, '');
    const six = version === 'IPv6';
    const address = named === '*' ? (six ? '::' : '0.0.0.0') : named;
    sockets.push({
      protocol: six ? (`${kind}6` as const) : kind,
      address,
      port: Number(match[3]),
      pid,
      ...uid,
    });
  }
  return sockets;
}

/** Sockets that something listens on now. Throws `Unreadable` where lsof can't run or prints nothing. */
export async function socketsNow(context: ReadContext): Promise<HeldSocket[]> {
  const sockets = parseLsof(await textOf(context, 'lsof', ...LSOF));
  if (sockets.length === 0) throw new Unreadable('lsof tells of no socket at all');
  return sockets;
}

async function sample(context: ReadContext): Promise<Sample> {
  const processes = parsePs(await textOf(context, 'ps', '-axww', '-o', 'pid=,ppid=,user=,comm='));
  const { stdout } = await context.run('lsof', LSOF);
  return { processes, sockets: parseLsof(stdout.toString('utf8')) };
}

export const { processes, listeningPorts } = sampledReaders('ps, lsof', sample);
