// Deadlines of the API's side, on a clock that moves only when told.
import { performServerHandshake, type ServerHttp2Stream } from "node:http2";
import { duplexPair } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { ManualEnv } from "../../store/testing/env.ts";
import type { Link } from "../../store/websocket.ts";
import { Http2Link } from "./http2-link.ts";
import { noSignal, quiet, until } from "./testing/world.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

const world = () => {
  const env = new ManualEnv();
  const [ours, theirs] = duplexPair();
  const streams: ServerHttp2Stream[] = [];
  const agent = performServerHandshake(theirs);
  agent.on("stream", (stream) => {
    stream.on("error", () => {});
    streams.push(stream);
  });
  agent.on("error", () => {});
  let end: (why: string) => void = () => {};
  const closed = new Promise<string>((resolve) => (end = resolve));
  const close = (_: number, reason: string): void => {
    ours.destroy();
    theirs.destroy();
    end(reason);
  };
  const link: Link = { stream: ours, closed, close };
  undo.push(() => close(1000, "the test is over"));
  return { env, streams, link: new Http2Link(link, env, quiet) };
};
const get = { method: "GET", path: "/v1/stats" } as const;

describe("a node that does not answer", () => {
  it("is 504 after 10 s, and its stream is reset", async () => {
    const { env, streams, link } = world();
    const answer = link.open("n1", { ...get, signal: noSignal() });
    answer.catch(() => {});
    await until("the request", () => streams.length === 1);
    await env.advance(9_999);
    expect(streams[0]?.destroyed).toBe(false);
    await env.advance(1);
    await expect(answer).rejects.toMatchObject({ code: 504, message: expect.stringMatching(/^node n1 did not answer in 10 s/) as string });
    await until("the reset", () => streams[0]?.rstCode === 8);
  });

  it("is 503 when its tunnel ends meanwhile", async () => {
    const { streams, link } = world();
    const answer = link.open("n1", { ...get, signal: noSignal() });
    answer.catch(() => {});
    await until("the request", () => streams.length === 1);
    link.close(1000, "over");
    await expect(answer).rejects.toMatchObject({ code: 503, message: expect.stringContaining("ended before it answered") as string });
    await expect(link.open("n1", { ...get, signal: noSignal() })).rejects.toMatchObject({ code: 503 });
  });

  it("costs nothing more once the caller has given up", async () => {
    const { env, streams, link } = world();
    const caller = new AbortController();
    const answer = link.open("n1", { ...get, signal: caller.signal });
    answer.catch(() => {});
    await until("the request", () => streams.length === 1);
    caller.abort(new Error("gone"));
    await expect(answer).rejects.toThrow("gone");
    await until("the reset", () => streams[0]?.rstCode === 8);
    expect(env.pending).toBe(0);
  });
});

it("a connection between servers that carries nothing for long is closed, and not while it carries something", async () => {
  const { env, streams, link } = world();
  link.closeWhenIdle(60_000);
  let over = false;
  void link.closed.then(() => (over = true));
  const opening = link.open("n1", { ...get, signal: noSignal() });
  await until("the request", () => streams.length === 1);
  streams[0]?.respond({ ":status": 200 });
  const { body } = await opening;
  await env.advance(600_000);
  expect(over).toBe(false);
  body.destroy();
  await until("the stream's end", () => body.closed);
  await env.advance(59_000);
  expect(over).toBe(false);
  await env.advance(1_000);
  expect(await link.closed).toBe("idle");
});
