import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realEnv } from "../store/env.ts";
import { MemoryKv } from "../store/memory.ts";
import { type ApiHandle, createToken, startApi } from "./index.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "steady-server-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const log = pino({ level: "silent" });
const start = (kv: MemoryKv, port = 0): Promise<ApiHandle> =>
  startApi({ kv, env: realEnv, log, dataDir: dir, host: "127.0.0.1", port, version: "1.2.3" });
const get = (url: string, ca: string, headers: Record<string, string> = {}): Promise<{ code: number; text: string }> =>
  new Promise((resolve, reject) => {
    request(url, { ca, headers, agent: false }, (r) => {
      let text = "";
      r.on("data", (d: Buffer) => (text += d.toString()));
      r.on("end", () => resolve({ code: r.statusCode ?? 0, text }));
    })
      .on("error", reject)
      .end();
  });

describe("the server", () => {
  it("speaks HTTPS that only its own authority vouches for, the same after a restart", async () => {
    const kv = new MemoryKv(realEnv);
    const token = await createToken(kv, realEnv, { name: "a", groups: ["system:masters"] });
    const first = await start(kv);
    expect(first.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(JSON.parse((await get(`${first.url}/version`, first.caPem)).text)).toMatchObject({
      major: "1",
      minor: "32",
      gitVersion: "v1.32.0+steadfleet.1.2.3",
    });
    await expect(get(`${first.url}/version`, "")).rejects.toThrow(/certificate/);
    expect((await get(`${first.url}/api/v1/namespaces/default`, first.caPem, { Authorization: `Bearer ${token}` })).code).toBe(200);
    await first.close();
    await first.close();
    const second = await start(kv);
    expect(second.caPem).toBe(first.caPem);
    expect((await get(`${second.url}/readyz`, first.caPem)).text).toBe("ok");
    await second.close();
  });

  it("says which port is taken, and leaves nothing running", async () => {
    const kv = new MemoryKv(realEnv);
    const api = await start(kv);
    await expect(start(kv, Number(new URL(api.url).port))).rejects.toThrow(/EADDRINUSE/);
    await api.close();
  });
});
