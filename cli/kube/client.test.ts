// The client against a server that misbehaves as real ones do.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realEnv } from "../../store/env.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ApiError, CliError } from "../errors.ts";
import { type Change, Client } from "./client.ts";
import { Http } from "./http.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

let server: Server;
let answers: Answer[];
let asked: string[];
let warnings: string[];
let client: Client;

beforeEach(async () => {
  answers = [];
  asked = [];
  warnings = [];
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://x");
    asked.push(
      `${request.method} ${url.pathname}${url.searchParams.get("watch") ? ` watch from ${url.searchParams.get("resourceVersion")}` : ""}${url.searchParams.get("continue") ? ` continue ${url.searchParams.get("continue")}` : ""}`,
    );
    const answer = answers.shift();
    if (answer) answer(request, response, url);
    else response.writeHead(500).end("no answer left");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const access = { context: "test", server: `http://127.0.0.1:${port}`, namespace: "default", insecure: false, token: "t" };
  const http = new Http({ access, userAgent: "steady/test", timeoutMs: 5_000, warn: (text) => warnings.push(text) });
  client = new Client(http, { ...realEnv, sleep: (_ms, signal) => realEnv.sleep(1, signal) });
});
afterEach(async () => {
  client.http.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const object = (name: string, version: number): object => ({
  metadata: { name, namespace: "default", uid: name, resourceVersion: String(version) },
});
const json =
  (code: number, body: object, headers: Record<string, string | string[]> = {}): Answer =>
  (_, response) => {
    response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
const list = (version: number, names: string[], next?: string): Answer =>
  json(200, {
    metadata: { resourceVersion: String(version), ...(next ? { continue: next } : {}) },
    items: names.map((n) => object(n, version)),
  });
const status = (code: number, reason: string, message = reason): Answer => json(code, { kind: "Status", code, reason, message });
const lines =
  (events: object[], end: "end" | "break" | "hang"): Answer =>
  (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const text = events.map((e) => `${JSON.stringify(e)}\n`).join("");
    // In odd pieces, as networks deliver.
    for (let i = 0; i < text.length; i += 7) response.write(text.slice(i, i + 7));
    if (end === "end") response.end();
    else if (end === "break") response.write('{"type":"ADD', () => response.destroy());
  };
const event = (type: string, name: string, version: number): object => ({ type, object: object(name, version) });

const follow = async (until: (seen: string[]) => boolean): Promise<string[]> => {
  const stop = new AbortController();
  const seen: string[] = [];
  const say = (c: Change<KubeObject>): string => {
    if (c.type === "sync") return `sync ${c.items.map((i) => i.metadata.name).join(",")}`;
    return c.type === "broken" ? "broken" : `${c.type} ${c.object.metadata.name}`;
  };
  for await (const change of client.follow<KubeObject>(RESOURCES.stacks, { namespace: "default" }, stop.signal)) {
    seen.push(say(change));
    if (until(seen)) stop.abort();
  }
  return seen;
};
const PATH = "GET /apis/steadfleet.dev/v1/namespaces/default/stacks";

describe("list", () => {
  it("reads all pages", async () => {
    answers.push(list(5, ["a"], "next"), list(5, ["b"]));
    const { items, metadata } = await client.list(RESOURCES.stacks, { namespace: "default" });
    expect(items.map((i) => `${i.apiVersion} ${i.kind} ${i.metadata.name}`)).toEqual([
      "steadfleet.dev/v1 Stack a",
      "steadfleet.dev/v1 Stack b",
    ]);
    expect(metadata.resourceVersion).toBe("5");
    expect(asked).toEqual([PATH, `${PATH} continue next`]);
  });

  it("starts over when a page has expired", async () => {
    answers.push(list(5, ["a"], "next"), status(410, "Expired"), list(9, ["a", "b"]));
    expect((await client.list(RESOURCES.stacks, { namespace: "default" })).items).toHaveLength(2);
  });
});

describe("follow", () => {
  it("lists, then tells changes, and goes on from the last one after every kind of break", async () => {
    answers.push(
      list(5, ["a"]),
      lines([event("ADDED", "b", 6), { type: "BOOKMARK", object: { metadata: { resourceVersion: "8" } } }], "end"),
      lines([event("MODIFIED", "b", 9)], "break"),
      status(503, "ServiceUnavailable"),
      lines([event("DELETED", "a", 11)], "hang"),
    );
    expect(await follow((seen) => seen.at(-1) === "gone a")).toEqual(["sync a", "set b", "set b", "broken", "gone a"]);
    expect(asked).toEqual([PATH, `${PATH} watch from 5`, `${PATH} watch from 8`, `${PATH} watch from 9`, `${PATH} watch from 9`]);
  });

  it("lists again when history is gone, whether the stream or the answer says so", async () => {
    answers.push(
      list(5, ["a"]),
      lines([{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }], "end"),
      list(20, ["a", "b"]),
      status(410, "Expired"),
      list(30, ["c"]),
      lines([event("ADDED", "d", 31)], "hang"),
    );
    expect(await follow((seen) => seen.at(-1) === "set d")).toEqual(["sync a", "sync a,b", "broken", "sync c", "set d"]);
  });

  it("throws what the first look throws, and what later looks cannot mend", async () => {
    answers.push(status(403, "Forbidden", "no"));
    await expect(follow(() => false)).rejects.toThrow("no");
    answers.push(list(5, []), status(401, "Unauthorized"));
    await expect(follow(() => false)).rejects.toBeInstanceOf(ApiError);
  });
});

describe("requests", () => {
  const path = "/apis/steadfleet.dev/v1/namespaces/default/stacks/x";

  it("writes say who wrote, and are strict", async () => {
    let seen: { type: string | undefined; query: string; auth: string | undefined } | undefined;
    answers.push((request, response, url) => {
      seen = { type: request.headers["content-type"], query: url.search, auth: request.headers.authorization };
      response.writeHead(200).end("{}");
    });
    await client.patch(RESOURCES.stacks, "default", "x", { a: 1 }, { dryRun: true });
    expect(seen).toEqual({
      type: "application/merge-patch+json",
      query: "?fieldManager=steady&fieldValidation=Strict&dryRun=All",
      auth: "Bearer t",
    });
  });

  it("warnings are told once each", async () => {
    const headers = { warning: ['299 - "one"', '299 - "a \\"b\\""', '299 - "one"'] };
    answers.push(json(200, {}, headers), json(200, {}, headers));
    await client.http.json("GET", path);
    await client.http.json("GET", path);
    expect(warnings).toEqual(["one", 'a "b"']);
  });

  it("an answer that is no Status is told as it is", async () => {
    answers.push((_, response) => response.writeHead(502).end("<html>bad gateway"));
    await expect(client.http.json("GET", path)).rejects.toThrow("the server answered HTTP 502: <html>bad gateway");
  });

  it("an answer that is no JSON, or that breaks off, is not believed", async () => {
    answers.push((_, response) => response.writeHead(200).end("<html>"));
    await expect(client.http.json("GET", path)).rejects.toThrow(/not JSON/);
    answers.push((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("{", () => response.destroy());
    });
    await expect(client.http.json("GET", path)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining("broke off its answer") as string,
    });
  });

  it("waits no longer than it was told to", async () => {
    answers.push(() => {});
    await expect(client.http.json("GET", path, { timeoutMs: 20 })).rejects.toBeInstanceOf(CliError);
  });
});
