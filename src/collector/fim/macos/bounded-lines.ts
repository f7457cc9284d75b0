const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines. Of a line that is longer than the bound nothing is kept but that it was there. */
export class BoundedLines {
  readonly #maxBytes: number;
  readonly #line: (line: Buffer) => void;
  readonly #tooLong: () => void;
  #parts: Buffer[] = [];
  #size = 0;

  /** `maxBytes` counts a line without its end; it bounds the memory used, but for the chunk that is under way. */
  constructor(maxBytes: number, line: (line: Buffer) => void, tooLong: () => void) {
    this.#maxBytes = maxBytes;
    this.#line = line;
    this.#tooLong = tooLong;
  }

  /** Takes the next bytes, and calls for each line that they end. A last one without an end is never called for. */
  add(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#take(chunk.subarray(from, end));
      this.#finish();
      from = end + 1;
    }
    this.#take(chunk.subarray(from));
  }

  #take(part: Buffer): void {
    this.#size += part.length;
    if (this.#size > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  #finish(): void {
    const parts = this.#parts;
    const tooLong = this.#size > this.#maxBytes;
    this.#parts = [];
    this.#size = 0;
    if (tooLong) this.#tooLong();
    else this.#line(parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts));
  }
}
