// What people see: frames of a terminal, lines of a log, events for programs.
import { describe, expect, it } from "vitest";
import { realEnv } from "../../store/env.ts";
import { testIo } from "../testing/io.ts";
import { healthy, pod, progressing, ready, stack, waiting } from "../testing/objects.ts";
import { plain, style, width } from "../text/style.ts";
import { frame } from "./frame.ts";
import { progressFor, type ProgressMode } from "./progress.ts";
import { Tracker, type View } from "./tracker.ts";
import type { PodObject, StackObject } from "./types.ts";

const view = (s: StackObject, pods: PodObject[], now = 0, before = 0): View => {
  const tracker = new Tracker("shop", "default", 1);
  tracker.setStack(s);
  tracker.setPods(pods);
  tracker.view(before);
  return tracker.view(now);
};

const rolling = [
  pod(ready, { service: "redis" }),
  pod(ready),
  pod(waiting("WaitingForHealthcheck", "health check 1 of 3"), { slot: "1", node: "nas" }),
  pod(waiting("CrashLoopBackOff", "exited 4 times", { restarts: 4, exitCode: 137, oom: true, log: "FATAL heap limit\nbye" }), {
    slot: "2",
    node: "pi4",
  }),
  pod(waiting("Terminating"), { slot: "3", deleting: true }),
];

const options = { columns: 80, rows: 24, now: 8_000, startedAt: 0, tick: 3, style: style(false) };

describe("frames", () => {
  it("shows a line per replica, with glyph, node, reason and time", () => {
    expect(frame([view(stack(progressing), rolling, 8_000, 2_000)], options)).toMatchInlineSnapshot(`
      [
        "shop revision 1                                   ████████░░░░░░░░░░░░  40%  8s",
        " ✔ redis-0  laptop  Healthy                                                  6s",
        " ✔ web-0    laptop  Healthy                                                  6s",
        " ⠸ web-1    nas     WaitingForHealthcheck: health check 1 of 3               6s",
        " ✖ web-2    pi4     CrashLoopBackOff: exited 4 times, exit 137 (out of mem…  6s",
        " - web-3    laptop  Removing                                                 6s",
      ]
    `);
  });

  it("fits any terminal, and never hides what failed", () => {
    const many = Array.from({ length: 40 }, (_, i) => pod(i === 37 ? waiting("ImageNotFound") : ready, { slot: String(i) }));
    for (const columns of [20, 40, 80, 200])
      for (const rows of [4, 10, 24]) {
        const lines = frame([view(stack(progressing), many)], { ...options, columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(width(line)).toBeLessThan(columns);
        expect(lines.join("\n")).toContain("✖ web-37");
        expect(lines.at(-1)).toMatch(/… \d+ more/);
      }
  });

  it("says what it waits for while there is no replica", () => {
    expect(frame([view(stack(undefined), [])], options)[1]).toBe(" ⠸ waiting for the controller");
  });

  it("colours only when asked to", () => {
    const views = [view(stack(progressing), rolling)];
    const coloured = frame(views, { ...options, style: style(true) });
    expect(coloured.join("\n")).toContain("\u001b[31m");
    expect(coloured.map(plain)).toEqual(frame(views, options));
  });
});

const play = (
  mode: ProgressMode,
  steps: [ms: number, view: View][],
  end: View,
  code: number,
  o: { isTTY?: boolean; env?: Record<string, string> } = {},
): string => {
  let last = 0;
  const clock = { ...realEnv, now: () => new Date(2026, 10, 21, 12, 0, 0).getTime() + last };
  const io = testIo({ clock, ...(o.env ? { env: o.env } : {}) });
  io.stderr.isTTY = o.isTTY ?? false;
  const progress = progressFor(mode, io, style(false), 0);
  for (const [ms, v] of steps) {
    last = ms;
    progress.update([v], ms);
  }
  progress.end([end], [code], last);
  return io.stderr.text;
};

describe("lines", () => {
  const first = view(stack(progressing), [pod(waiting("Pulling")), pod(waiting("WaitingForHealthcheck", "1 of 3"), { slot: "1" })]);
  const second = view(stack(progressing), [pod(ready), pod(waiting("WaitingForHealthcheck", "2 of 3"), { slot: "1" })]);
  const good = view(stack(healthy), [pod(ready), pod(ready, { slot: "1" })]);

  it("tells each change once, a heartbeat when nothing changes, and the end", () => {
    const text = play(
      "plain",
      [
        [0, first],
        [1_000, first],
        [4_000, second],
        [20_000, second],
        [34_000, second],
        [35_000, good],
      ],
      good,
      0,
    );
    expect(text).toMatchInlineSnapshot(`
      "12:00:00 shop started
      12:00:00 shop web-0 laptop Pulling
      12:00:00 shop web-1 laptop WaitingForHealthcheck: 1 of 3
      12:00:04 shop web-0 laptop Healthy
      12:00:34 shop progress=40 ready=1/2 waiting="web-1: WaitingForHealthcheck"
      12:00:35 shop web-1 laptop Healthy
      12:00:35 shop succeeded revision=1 ready=2/2 duration=35s
      ✔ shop is Healthy: 2/2 replicas, revision 1, 35.0s
      "
    `);
  });

  it("a failure says why, shows the log, and what to do next", () => {
    const bad = view(stack(progressing), [rolling[3] as PodObject, pod(waiting("ImageNotFound", "no such image"), { slot: "1" })]);
    expect(play("quiet", [[0, bad]], bad, 5)).toMatchInlineSnapshot(`
      "✖ shop failed
        web-1 on laptop: ImageNotFound: no such image
          help: is the name right, and was web:1 pushed (or built on laptop)?
        web-2 on pi4: CrashLoopBackOff: exited 4 times, exit 137 (out of memory), 4 restarts
          last lines of its log:
          | FATAL heap limit
          | bye
          help: raise deploy.resources.limits.memory
      Next: steady status shop
      "
    `);
  });

  it("a timeout says that nothing was cancelled", () => {
    expect(play("quiet", [[0, second]], second, 7)).toMatchInlineSnapshot(`
      "! shop is still progressing after 0s: 40%, ready 1/2; nothing was cancelled
        waiting for web-1: WaitingForHealthcheck
      Next: steady status shop --watch
      "
    `);
  });

  it("quiet success says nothing", () => expect(play("quiet", [[0, first]], good, 0)).toBe(""));

  it("speaks JSON, one event a line, with a result at the end", () => {
    const bad = view(stack(progressing), [rolling[3] as PodObject]);
    const events = play("json", [[0, first]], bad, 5)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map((e) => [e["v"], e["type"], e["replica"] ?? e["status"], e["step"] ?? e["exitCode"]])).toEqual([
      [1, "replica", "web-0", "Pulling"],
      [1, "replica", "web-1", "WaitingForHealthcheck"],
      [1, "replica", "web-2", "CrashLoopBackOff"],
      [1, "result", "failed", 5],
    ]);
    expect(events.at(-1)?.["failed"]).toEqual([
      {
        replica: "web-2",
        pod: "shop-web-2-abcde",
        node: "pi4",
        reason: "CrashLoopBackOff",
        message: "exited 4 times",
        exitCode: 137,
        restarts: 4,
        log: ["FATAL heap limit", "bye"],
      },
    ]);
  });

  it("redraws on a terminal only: not in CI, not on a dumb one, not in a file", () => {
    const redraws = (o: { isTTY?: boolean; env?: Record<string, string> }): boolean =>
      play("auto", [[0, first]], good, 0, o).includes("\u001b[?25l");
    expect(redraws({ isTTY: true })).toBe(true);
    expect(redraws({ isTTY: false })).toBe(false);
    expect(redraws({ isTTY: true, env: { CI: "true" } })).toBe(false);
    expect(redraws({ isTTY: true, env: { TERM: "dumb" } })).toBe(false);
  });

  it("gives the cursor back", () => {
    const text = play(
      "tty",
      [
        [0, first],
        [100, second],
      ],
      good,
      0,
      { isTTY: true },
    );
    expect(text.lastIndexOf("\u001b[?25h")).toBeGreaterThan(text.lastIndexOf("\u001b[?25l"));
    expect(text.endsWith("✔ shop is Healthy: 2/2 replicas, revision 1, 0.1s\n")).toBe(true);
  });

  it("no log line can move the cursor", () => {
    const evil = view(stack(progressing), [pod(waiting("ImageNotFound", "\u001b[2Jgone", { log: "\u001b]0;title\u0007x", exitCode: 1 }))]);
    for (const mode of ["plain", "quiet"] as const) expect(play(mode, [[0, evil]], evil, 5).replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });
});
