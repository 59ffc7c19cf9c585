import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { linkSignals } from "./signals.ts";

describe("linkSignals", () => {
  it("is aborted with the first of its sources and its reason", () => {
    const [a, b] = [new AbortController(), new AbortController()];
    const { signal } = linkSignals(a.signal, undefined, b.signal);
    expect(signal.aborted).toBe(false);
    b.abort("b");
    a.abort("a");
    expect(signal.reason).toBe("b");
    expect(linkSignals(AbortSignal.abort("early"), a.signal).signal.reason).toBe("early");
  });
  it.each(["release", "abort"] as const)("leaves nothing behind on its sources after %s", (how) => {
    const a = new AbortController();
    const linked = linkSignals(a.signal);
    expect(getEventListeners(a.signal, "abort")).toHaveLength(1);
    linked[how]();
    expect(getEventListeners(a.signal, "abort")).toHaveLength(0);
    expect(linked.signal.aborted).toBe(how === "abort");
  });
  it("is no leak in Node's eyes, however many calls share a signal", async () => {
    const warnings: string[] = [];
    const listen = (w: Error): void => void warnings.push(w.name);
    process.on("warning", listen);
    const a = new AbortController();
    const links = Array.from({ length: 30 }, () => linkSignals(a.signal));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listen);
    for (const link of links) link.release();
    expect(warnings).toEqual([]);
  });
});
