// The engine's log messages as the text that was asked for. Pure.
import type { OutputChunk } from "../engine-io.ts";

/** `2026-11-21T12:00:00.123456789Z `: the engine's times always have nine digits. */
const STAMP = 31;

const stampOf = (data: Buffer): string | undefined => {
  const text = data.subarray(0, STAMP).toString("latin1");
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z $/.test(text) ? text.slice(0, -1) : undefined;
};

/** One nanosecond later: from there on nothing comes twice. */
export const after = (time: string): string => {
  const [, second = "", digits = ""] = /^(.*)\.(\d{9})Z$/.exec(time) ?? [];
  const next = Number(digits) + 1;
  if (next < 1e9) return `${second}.${String(next).padStart(9, "0")}Z`;
  return `${new Date(Date.parse(`${second}Z`) + 1000).toISOString().slice(0, 19)}.000000000Z`;
};

/**
 * Takes messages with the engine's times in. A line of more than 16 KiB comes in several, and only the first part of a line shows
 * a time. `last` is the time of the newest message.
 */
export class LogText {
  last: string | undefined;
  private readonly middle = { out: false, err: false };
  private rest = Buffer.alloc(0);

  constructor(private readonly o: { timestamps: boolean; tty: boolean }) {}

  /** What the messages say. */
  add({ from, data }: OutputChunk): Buffer {
    if (!this.o.tty) return this.message(from, data);
    // Without frames a message ends where its line does.
    const all = Buffer.concat([this.rest, data]);
    const end = all.lastIndexOf(10) + 1;
    this.rest = all.subarray(end);
    return Buffer.concat(lines(all.subarray(0, end)).map((line) => this.message("out", line)));
  }
  /** What is left when the log ends without the end of a line. */
  flush(): Buffer {
    const { rest } = this;
    this.rest = Buffer.alloc(0);
    return rest.length === 0 ? rest : this.message("out", rest);
  }

  private message(from: OutputChunk["from"], data: Buffer): Buffer {
    const stamp = stampOf(data);
    const goesOn = this.middle[from];
    this.middle[from] = data.at(-1) !== 10;
    if (stamp === undefined) return data;
    this.last = stamp;
    return this.o.timestamps && !goesOn ? data : data.subarray(STAMP);
  }
}

function lines(data: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let start = 0; start < data.length; ) {
    const end = data.indexOf(10, start) + 1 || data.length;
    found.push(data.subarray(start, end));
    start = end;
  }
  return found;
}
