import { Worker } from 'node:worker_threads';
import type { StartTimer } from '../debounce.ts';
import { forgetOldest } from '../forget-oldest.ts';
import type { ImageFile } from './read-process.ts';

/** Hashes that are kept, and images that may wait for one. */
const MOST_KEPT = 4_096;
const MOST_WAITING = 64;

/** Largest image that is hashed, bytes. */
const MOST_BYTES = 512n * 1024n * 1024n;

/** The thread ends when it had nothing to do for so long, ms: its memory is worth more than its start. */
const IDLE_MS = 60_000;

/** A thread that gives no answer for so long, ms, hangs in a file system, and another takes its place; this often at most. */
const ANSWER_MS = 120_000;
const MOST_STUCK = 3;

export interface HashRequest {
  readonly id: number;
  readonly pid: number;
  readonly path: string;
  readonly file: Pick<ImageFile, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;
}
/** Without a hash where the file was not to be had. */
export interface HashAnswer {
  readonly id: number;
  readonly sha256?: string;
}

/** What is known of the hash of an image. */
export type ImageHash =
  | { readonly state: 'known'; readonly sha256: string }
  | { readonly state: 'waiting' }
  | { readonly state: 'none'; readonly reason: string };

const WAITING: ImageHash = { state: 'waiting' };
const none = (reason: string): ImageHash => ({ state: 'none', reason });

/** SHA-256 of executables by device, inode, times and size, each hashed once, in a thread of its own. */
export class ImageHashes {
  readonly #thread: URL;
  readonly #startTimer: StartTimer;
  readonly #kept = new Map<string, ImageHash>();
  readonly #asked = new Map<number, string>();
  #worker: Worker | undefined;
  #cancel: (() => void) | undefined;
  #stuck = 0;
  #nextId = 1;

  /** `thread`: the program of the thread, `image-hash-thread.ts` or its bundle. */
  constructor(thread: URL, startTimer: StartTimer) {
    this.#thread = thread;
    this.#startTimer = startTimer;
  }

  /** The hash of the image of a process. Asked again for what is waiting, it says what came of it. */
  of(pid: number, path: string, file: ImageFile): ImageHash {
    const key = [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join();
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    if (file.size > MOST_BYTES) return none('the image is larger than 512 MiB');
    if (this.#stuck >= MOST_STUCK) return none('images could not be read in time');
    if (this.#asked.size >= MOST_WAITING) return none('too many images at once');
    this.#keep(key, WAITING);
    this.#ask({ id: this.#nextId++, pid, path, file }, key);
    return WAITING;
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #ask({ id, pid, path, file: { dev, ino, size, mtimeNs, ctimeNs } }: HashRequest, key: string): void {
    this.#asked.set(id, key);
    if (this.#asked.size === 1) this.#await();
    this.#worker ??= this.#start();
    this.#worker.postMessage({
      id,
      pid,
      path,
      file: { dev, ino, size, mtimeNs, ctimeNs },
    } satisfies HashRequest);
  }

  #start(): Worker {
    const worker = new Worker(this.#thread);
    worker.unref();
    worker.on('message', (answer: HashAnswer) => this.#answered(answer));
    // A thread that ends by itself leaves its questions unanswered; the next one starts another.
    const ended = (): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const id of [...this.#asked.keys()]) this.#answered({ id });
    };
    worker.on('error', ended);
    worker.on('exit', ended);
    return worker;
  }

  #answered({ id, sha256 }: HashAnswer): void {
    const key = this.#asked.get(id);
    if (key === undefined) return;
    this.#asked.delete(id);
    this.#keep(key, sha256 === undefined ? none('the image could not be read') : { state: 'known', sha256 });
    this.#await();
  }

  /** What happens if nothing does: a thread without questions ends, one without answers is given up. */
  #await(): void {
    this.#cancel?.();
    const isAsked = this.#asked.size > 0;
    this.#cancel = this.#startTimer(isAsked ? ANSWER_MS : IDLE_MS, () => {
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.terminate();
      if (isAsked) this.#gaveUp();
    });
  }

  #gaveUp(): void {
    this.#stuck += 1;
    for (const id of [...this.#asked.keys()]) this.#answered({ id });
  }

  /** The one that was asked for first leaves. */
  #keep(key: string, hash: ImageHash): void {
    this.#kept.delete(key);
    this.#kept.set(key, hash);
    forgetOldest(this.#kept, MOST_KEPT);
  }
}
