import { decodeHostText } from '../../text.ts';
import { isWithin } from '../ledger/host-path.ts';

/** One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). Paths are host text. */
export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the filesystem. */
  readonly device: string;
  /** The directory of the filesystem that is mounted. */
  readonly root: string;
  /** Where it is mounted. */
  readonly point: string;
  readonly type: string;
  readonly source: string;
  /** Options of the filesystem. */
  readonly options: readonly string[];
}

/** What leads from `directory` to `path` at or below it: empty, or with a slash at its start. */
export function rest(path: string, directory: string): string {
  return directory === '/' ? (path === '/' ? '' : path) : path.slice(directory.length);
}

/** Joins a directory with a `rest`. */
export function join(directory: string, below: string): string {
  if (below === '') return directory;
  return directory === '/' ? below : directory + below;
}

/** The mounts of this process's namespace. */
export class MountTable {
  readonly mounts: readonly Mount[];
  readonly #children = new Map<number, Mount[]>();
  readonly #top: Mount | undefined;

  /** Takes the bytes of mountinfo. Lines that can't be read are left out. */
  constructor(bytes: Uint8Array) {
    this.mounts = lines(bytes).flatMap((line) => parseLine(line) ?? []);
    const known = new Set(this.mounts.map(({ id }) => id));
    for (const mount of this.mounts) {
      const children = this.#children.get(mount.parent);
      if (children === undefined) this.#children.set(mount.parent, [mount]);
      else children.push(mount);
    }
    this.#top = this.mounts.find(({ point, parent }) => point === '/' && !known.has(parent));
  }

  /** The mount that a path of the host leads to, whatever lies hidden below it. */
  mountOf(path: string): Mount | undefined {
    let at = this.#top;
    // Each step goes to a child; a table that leads in a circle ends with its length.
    for (let steps = 0; at !== undefined && steps < this.mounts.length; steps += 1) {
      const next = this.#next(at, path);
      if (next === undefined) return at;
      at = next;
    }
    return at;
  }

  /** Whether the root of this mount is what its mount point shows. */
  isVisible(mount: Mount): boolean {
    return this.mountOf(mount.point)?.id === mount.id;
  }

  /** The first mount that the way from `at` to `path` crosses into. */
  #next(at: Mount, path: string): Mount | undefined {
    const crossed = (this.#children.get(at.id) ?? []).filter(
      (child) => child.id !== at.id && isWithin(child.point, path, 'linux'),
    );
    return crossed.sort((a, b) => a.point.length - b.point.length)[0];
  }
}

/** `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue` */
function parseLine(line: Buffer): Mount | undefined {
  const fields = line.toString('latin1').split(' ');
  const dash = fields.indexOf('-', 6);
  const [id, parent, device, root, point] = fields;
  const [type, source, options] = dash < 0 ? [] : fields.slice(dash + 1);
  if (device === undefined || root === undefined || point === undefined || options === undefined)
    return undefined;
  const numbers = [Number(id), Number(parent)] as const;
  if (!numbers.every((number) => Number.isSafeInteger(number)) || !point.startsWith('/')) return undefined;
  return {
    id: numbers[0],
    parent: numbers[1],
    device,
    root: unescape(root),
    point: unescape(point),
    type: unescape(type ?? ''),
    source: unescape(source ?? ''),
    options: options.split(','),
  };
}

/** Space, tab, newline, backslash and `#` are written as `\ooo`. */
function unescape(field: string): string {
  const bytes = field.replace(/\\([0-7]{3})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8) & 0xff),
  );
  return decodeHostText(Buffer.from(bytes, 'latin1'));
}

function lines(bytes: Uint8Array): Buffer[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Buffer[] = [];
  for (let at = 0; at < buffer.length;) {
    const end = buffer.indexOf(0x0a, at);
    found.push(buffer.subarray(at, end < 0 ? buffer.length : end));
    at = end < 0 ? buffer.length : end + 1;
  }
  return found;
}
