import { request } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../testing/command.ts";
import { type StreamWorld, streamWorld } from "../testing/streams.ts";

let w: StreamWorld;
beforeAll(async () => {
  w = await streamWorld();
});
afterAll(() => w[Symbol.asyncDispose]());
beforeEach(async () => {
  await w.putPod("web-0");
  w.node.refuse = undefined;
});
const LOG = "/api/v1/namespaces/default/pods/web-0/log";
const get = (query = "") => w.t.call("GET", LOG + query);

describe("pods/log", () => {
  it("is plain text, never compressed, with what was asked for", async () => {
    let asked = new URLSearchParams();
    w.node.log = (query, out) => {
      asked = query;
      out.end("x".repeat(300_000));
    };
    const reply = await w.t.call("GET", `${LOG}?container=web&tailLines=5&timestamps=true&sinceTime=2026-01-01T00:00:00Z&limitBytes=9`, {
      headers: { "Accept-Encoding": "gzip", Accept: "text/plain" },
    });
    expect([reply.code, reply.headers["content-type"], reply.headers["content-encoding"]]).toEqual([200, "text/plain", undefined]);
    expect(reply.text).toHaveLength(300_000);
    expect(Object.fromEntries(asked)).toEqual({
      uid: "uid-web-0",
      tail: "5",
      timestamps: "1",
      sinceTime: "2026-01-01T00:00:00Z",
      limitBytes: "9",
    });
    await get("?sinceSeconds=60");
    expect(Date.now() - Date.parse(asked.get("sinceTime") ?? "")).toBeGreaterThanOrEqual(60_000);
  });

  it.each([
    ["?tailLines=-5", 422, 'PodLogOptions "web-0" is invalid: tailLines: Invalid value: -5: must be greater than or equal to 0'],
    ["?limitBytes=0", 422, 'PodLogOptions "web-0" is invalid: limitBytes: Invalid value: 0: must be greater than 0'],
    ["?sinceSeconds=0", 422, 'PodLogOptions "web-0" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0'],
    ["?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422, "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"],
    ["?sinceTime=yesterday", 400, "is not a time as of RFC 3339"],
    ["?tailLines=many", 400, "is not a whole number"],
    ["?stream=Stdout", 422, 'supported values: "All"'],
    ["?container=db", 400, "container db is not valid for pod web-0; it has: web"],
  ])("refuses %s", async (query, code, words) => {
    const reply = await get(query);
    expect(reply.code).toBe(code);
    expect(reply.body.message).toContain(words);
  });

  it("says what a container waits for that was never made, and shows the log of one that has ended", async () => {
    await w.putPod("pending", { state: "absent", phase: "Pending", reason: "Pulling", containerId: "" });
    const waiting = await w.t.call("GET", "/api/v1/namespaces/default/pods/pending/log");
    expect([waiting.code, waiting.body.message]).toEqual([400, 'container "web" in pod "pending" is waiting to start: Pulling']);
    w.node.log = (_query, out) => void out.end("last words\n");
    await w.putPod("web-0", { state: "exited", phase: "Failed", exitCode: 1, finishedAt: "2026-01-01T00:00:00Z" });
    expect((await get()).text).toBe("last words\n");
  });

  it("tells what the node says, in its words", async () => {
    const message = 'previous terminated container "web" in pod "web-0" not found';
    w.node.refuse = { status: 400, error: { reason: "BadRequest", message } };
    const reply = await get("?previous=true");
    expect([reply.code, reply.body.reason, reply.body.message]).toEqual([400, "BadRequest", message]);
  });

  /** What has come of a log that is followed, and how it ends. */
  const follow = () => {
    const { port } = new URL(w.t.api.url);
    const headers = { Authorization: `Bearer ${w.t.token}` };
    const seen = { text: "", end: "", stop: () => void req.destroy() };
    const req = request({ host: "127.0.0.1", port, path: `${LOG}?follow=true`, headers, agent: false }, (res) => {
      res.on("data", (d: Buffer) => (seen.text += d.toString()));
      res.on("end", () => (seen.end = "whole")).on("error", (e) => (seen.end = e.message));
    }).end();
    req.on("error", () => {});
    return seen;
  };

  it("follows until the client goes, and then frees the node", async () => {
    let lines = 0;
    w.node.log = (_query, out, reset) => {
      const timer = setInterval(() => out.write(`line ${lines++}\n`), 5);
      reset.addEventListener("abort", () => clearInterval(timer));
    };
    const seen = follow();
    await eventually(() => seen.text.includes("line 3\n"));
    seen.stop();
    await eventually(() => w.node.open.size === 0);
  });

  it("does not look whole when the node is lost", async () => {
    w.node.log = (_query, out) => void out.write("half");
    const seen = follow();
    await eventually(() => seen.text === "half");
    w.node.drop();
    await eventually(() => seen.end !== "");
    expect(seen.end).toBe("aborted");
  });
});
