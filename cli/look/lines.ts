// Logs as lines with times: cut, merged, and resumed without saying anything twice.

export interface Line {
  /** As the engine writes it: UTC, nine digits. Times of one log compare as text. Empty when there was none. */
  time: string;
  /** Without the end of the line. */
  text: Buffer;
}

/** A line that is longer is cut: what has no line ends must not fill the memory. */
const MAX_LINE = 1024 * 1024;

/** A last line without an end is a line. */
export async function* cutLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, start)) {
      yield all.subarray(start, end);
      start = end + 1;
    }
    rest = all.subarray(start);
    if (rest.length > MAX_LINE) {
      yield rest;
      rest = Buffer.alloc(0);
    }
  }
  if (rest.length > 0) yield rest;
}

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) /;

/** A line as `timestamps=true` gives it. */
export const lineOf = (line: Buffer): Line => {
  const time = STAMP.exec(line.toString("latin1", 0, 40))?.[1] ?? "";
  return { time, text: time === "" ? line : line.subarray(time.length + 1) };
};

/** Where a log was left, so that reading on from that time says nothing twice: lines may share one time. */
export class Bookmark {
  #time = "";
  /** Lines of that time which were shown. */
  #shown = 0;
  /** Lines of that time still to come again. */
  #again = 0;

  /** Read on from here; undefined before the first line. */
  get time(): string | undefined {
    return this.#time || undefined;
  }

  /** The log is read anew, from `time` on. */
  reopen(): void {
    this.#again = this.#shown;
  }

  /** Whether the line is new. */
  take({ time }: Line): boolean {
    if (time === "") return true;
    if (this.#again > 0) {
      if (time < this.#time) return false;
      if (time === this.#time) {
        this.#again--;
        return false;
      }
    }
    this.#again = 0;
    // Output and errors come by two ways: one may be a moment behind the other.
    if (time > this.#time) {
      this.#time = time;
      this.#shown = 1;
    } else if (time === this.#time) this.#shown++;
    return true;
  }
}

/** Several logs in the order of time; each is in order by itself, and of each one line is held. */
export async function* merged<T extends { time: string }>(logs: readonly AsyncGenerator<T, void>[]): AsyncGenerator<T, void> {
  const heads = await Promise.all(logs.map(async (log) => ({ log, head: await log.next() })));
  let open = heads.filter((h) => !h.head.done);
  try {
    while (open.length > 0) {
      let first = open[0] as (typeof open)[number];
      for (const h of open) if ((h.head.value as T).time < (first.head.value as T).time) first = h;
      yield first.head.value as T;
      first.head = await first.log.next();
      if (first.head.done) open = open.filter((h) => h !== first);
    }
  } finally {
    await Promise.all(open.map((h) => h.log.return()));
  }
}
