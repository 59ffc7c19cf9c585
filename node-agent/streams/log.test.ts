import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import { until } from "../../test/harness/until.ts";
import { StreamRig } from "../testing/stream-rig.ts";
import { after, LogText } from "./log-text.ts";

const LOG = TUNNEL_PATHS.log("default", "web");
const uid = "uid-web";

describe("log", () => {
  let rig: StreamRig;
  let id: string;
  beforeEach(async () => {
    rig = await StreamRig.start();
    id = await rig.pod("web");
  });
  afterEach(() => {
    rig.close();
    expect(rig.engine.open).toBe(0);
  });
  const restart = (): void => {
    rig.engine.exit(id, 1);
    rig.engine.restarted(id);
  };

  it("is what the container wrote, both streams in order", async () => {
    rig.engine.write(id, "one\n");
    rig.engine.write(id, "two\n", "err");
    const log = await rig.ask("GET", LOG, { uid });
    expect([log.status, await log.text()]).toEqual([200, "one\ntwo\n"]);
  });

  it("shows the end of it, with times, and no more bytes than asked for", async () => {
    for (const line of ["one\n", "two\n", "three\n"]) rig.engine.write(id, line);
    expect(await (await rig.ask("GET", LOG, { uid, tail: "1" })).text()).toBe("three\n");
    expect(await (await rig.ask("GET", LOG, { uid, tail: "1", timestamps: "1" })).text()).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z three\n$/,
    );
    expect(await (await rig.ask("GET", LOG, { uid, limitBytes: "6" })).text()).toBe("one\ntw");
    expect(await (await rig.ask("GET", LOG, { uid, limitBytes: "6", follow: "1" })).text()).toBe("one\ntw");
    expect(await (await rig.ask("GET", LOG, { uid, sinceTime: "2100-01-01T01:00:00+01:00" })).text()).toBe("");
  });

  it("follows through restarts, nothing twice and nothing lost, until the container is removed", async () => {
    rig.engine.addImage("always:1");
    rig.engine.containers.get(id)!.inspect.HostConfig.RestartPolicy = { Name: "always" };
    rig.engine.write(id, "first\n");
    const log = await rig.ask("GET", LOG, { uid, follow: "1" });
    await log.until("first\n");
    restart();
    rig.engine.write(id, "second\n");
    await log.until("second\n");
    rig.engine.write(id, "third\n");
    await log.until("third\n");
    await rig.engine.remove(id);
    expect(await log.text()).toBe("first\nsecond\nthird\n");
  });

  it("ends when a container ends that is not started again", async () => {
    rig.engine.write(id, "done\n");
    const log = await rig.ask("GET", LOG, { uid, follow: "1" });
    await log.until("done");
    rig.engine.exit(id, 0);
    expect(await log.text()).toBe("done\n");
  });

  it("of the run before: until the start of this one", async () => {
    const none = await rig.ask("GET", LOG, { uid, previous: "1" });
    expect(none.status).toBe(400);
    expect(await none.error()).toMatchObject({
      reason: "BadRequest",
      message: expect.stringContaining("previous terminated container not found"),
    });
    rig.engine.write(id, "before\n");
    await new Promise((resolve) => setTimeout(resolve, 5));
    rig.engine.exit(id, 1);
    expect(await (await rig.ask("GET", LOG, { uid, previous: "1" })).text()).toBe("before\n");
    await rig.engine.start(id);
    await new Promise((resolve) => setTimeout(resolve, 5));
    rig.engine.write(id, "now\n");
    expect(await (await rig.ask("GET", LOG, { uid, previous: "1", follow: "1" })).text()).toBe("before\n");
  });

  it("a reader that goes away frees the connection to the engine", async () => {
    rig.engine.write(id, "one\n");
    const log = await rig.ask("GET", LOG, { uid, follow: "1" });
    await log.until("one");
    expect(rig.engine.open).toBe(1);
    log.stream.close();
    await until(() => rig.engine.open === 0, { what: "the connection to be closed" });
  });

  it("a slow reader does not make the agent read on", async () => {
    for (let i = 0; i < 400; i++) rig.engine.write(id, `${"x".repeat(16_383)}\n`);
    const log = await rig.ask("GET", LOG, { uid, follow: "1" });
    await until(() => rig.engine.taken > 1, { what: "the first lines" });
    let seen = -1;
    await until(
      async () => {
        const before = rig.engine.taken;
        await new Promise((resolve) => setTimeout(resolve, 100));
        seen = rig.engine.taken;
        return seen === before;
      },
      { what: "the agent to stand still" },
    );
    expect(seen).toBeLessThan(200);
    log.stream.close();
    await until(() => rig.engine.open === 0, { what: "the connection to be closed" });
  });

  it.each([
    [{ uid: "another" }, 404, "of uid another is not on this node any more"],
    [{}, 400, "no uid"],
    [{ uid, tail: "-1" }, 400, "tail must be a whole number"],
    [{ uid, sinceTime: "yesterday" }, 400, "sinceTime must be a time"],
  ])("%j is refused with %d", async (query, status, message) => {
    const log = await rig.ask("GET", LOG, query);
    expect([log.status, (await log.error()).message]).toEqual([status, expect.stringContaining(message)]);
  });

  it("stopping the agent ends it", async () => {
    const log = await rig.ask("GET", LOG, { uid, follow: "1" });
    rig.stop();
    await log.text();
    await until(() => rig.engine.open === 0, { what: "the connection to be closed" });
    const late = await rig.ask("GET", LOG, { uid });
    expect(late.status).toBe(503);
  });
});

describe("log text", () => {
  const stamp = "2026-11-21T12:00:00.123456789Z";
  const message = (text: string, from: "out" | "err" = "out") => ({ from, data: Buffer.from(`${stamp} ${text}`) });

  it("the parts of a long line are one line, also with the other stream between them", () => {
    const parts = [message("par"), message("other\n", "err"), message("tial\n"), message("next\n")];
    const show = (timestamps: boolean) => {
      const text = new LogText({ timestamps, tty: false });
      return Buffer.concat(parts.map((p) => text.add(p))).toString();
    };
    expect(show(false)).toBe("parother\ntial\nnext\n");
    expect(show(true)).toBe(`${stamp} par${stamp} other\ntial\n${stamp} next\n`);
  });

  it("without frames lines are found in whatever pieces come", () => {
    const text = new LogText({ timestamps: false, tty: true });
    const all = `${stamp} one\r\n${stamp} two\r\nno stamp\n${stamp} rest`;
    let shown = "";
    for (let i = 0; i < all.length; i += 7) shown += text.add({ from: "out", data: Buffer.from(all.slice(i, i + 7)) }).toString();
    expect(shown + text.flush().toString()).toBe("one\r\ntwo\r\nno stamp\nrest");
    expect(text.last).toBe(stamp);
  });

  it("the nanosecond after", () => {
    expect(after(stamp)).toBe("2026-11-21T12:00:00.123456790Z");
    expect(after("2026-12-31T23:59:59.999999999Z")).toBe("2027-01-01T00:00:00.000000000Z");
  });
});
