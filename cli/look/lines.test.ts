import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bookmark, cutLines, type Line, lineOf, merged } from "./lines.ts";

const chunks = async function* (parts: readonly string[]): AsyncGenerator<Buffer, void> {
  for (const part of parts) yield Buffer.from(part);
};
const all = async <T>(from: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of from) found.push(item);
  return found;
};
const at = (n: number): string => `2026-11-21T12:00:00.${String(n).padStart(9, "0")}Z`;
const line = (n: number, text = `line ${n}`): Line => lineOf(Buffer.from(`${at(n)} ${text}`));

describe("lines", () => {
  it.each<[string[], string[]]>([
    [["a\nb\n"], ["a", "b"]],
    [
      ["a", "b\n", "\nc"],
      ["ab", "", "c"],
    ],
    [[], []],
    [["\u00e4".repeat(3), "\n"], ["äää"]],
  ])("%j is %j", async (parts, lines) => expect((await all(cutLines(chunks(parts)))).map(String)).toEqual(lines));

  it("a line without end is cut, not kept", async () => {
    const lines = await all(cutLines(chunks(Array.from({ length: 5 }, () => "x".repeat(512 * 1024)))));
    expect(lines.map((l) => l.length).reduce((a, b) => a + b)).toBe(5 * 512 * 1024);
    expect(Math.max(...lines.map((l) => l.length))).toBeLessThanOrEqual(1.5 * 1024 * 1024);
  });

  it("a line has its time apart, or none", () => {
    expect([line(5, "hi  there").time, String(line(5, "hi  there").text)]).toEqual([at(5), "hi  there"]);
    expect(lineOf(Buffer.from("no time"))).toEqual({ time: "", text: Buffer.from("no time") });
  });

  it("several logs come in the order of time", async () => {
    const log = async function* (...ns: number[]): AsyncGenerator<Line, void> {
      for (const n of ns) yield line(n);
    };
    expect((await all(merged([log(1, 4, 5), log(), log(2, 3, 9)]))).map((l) => l.time)).toEqual([1, 2, 3, 4, 5, 9].map(at));
  });

  it("wherever a log breaks off, reading on from the bookmark shows each line once", () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 20 }), fc.array(fc.nat(20), { maxLength: 4 }), (times, breaks) => {
        const log = times.toSorted((a, b) => a - b).map((t, i) => line(t, `${i}`));
        const bookmark = new Bookmark();
        const shown: string[] = [];
        for (const upTo of [...breaks, log.length]) {
          bookmark.reopen();
          const since = bookmark.time;
          for (const l of log.filter((x) => since === undefined || x.time >= since).slice(0, upTo))
            if (bookmark.take(l)) shown.push(String(l.text));
        }
        // The last reading is of as many lines as the whole, so it comes to the end.
        expect(shown).toEqual(log.map((_, i) => `${i}`));
      }),
    ));
});
