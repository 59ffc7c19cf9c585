import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realEnv } from "../store/env.ts";
import { ensureTls } from "./tls.ts";

const DAY = 86_400_000;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "steady-tls-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const at = (days: number) => ({ ...realEnv, now: () => Date.now() + days * DAY });
const hosts = ["localhost", "127.0.0.1", "::1"];

describe("server certificate", () => {
  it("is made once, with its authority, for the owner's eyes only", async () => {
    const first = await ensureTls({ dir, env: at(0), hosts });
    expect(await ensureTls({ dir, env: at(1), hosts })).toEqual(first);
    expect(readdirSync(dir).toSorted()).toEqual(["ca.crt", "ca.pem", "server.pem"]);
    // What others need to trust it, without the key.
    expect(readFileSync(join(dir, "ca.crt"), "utf8")).toBe(first.caPem);
    for (const f of ["ca.pem", "server.pem"]) expect(statSync(join(dir, f)).mode & 0o777).toBe(0o600);
  });
  it("is renewed near its end under the same authority", async () => {
    const first = await ensureTls({ dir, env: at(0), hosts });
    const later = await ensureTls({ dir, env: at(61), hosts });
    expect(later.caPem).toBe(first.caPem);
    expect(later.certPem).not.toBe(first.certPem);
    expect(new X509Certificate(later.certPem).verify(new X509Certificate(first.caPem).publicKey)).toBe(true);
  });
  it("is renewed when the machine has a new name", async () => {
    const first = await ensureTls({ dir, env: at(0), hosts });
    const later = await ensureTls({ dir, env: at(0), hosts: [...hosts, "10.1.2.3", "box.example"] });
    expect(later.caPem).toBe(first.caPem);
    const cert = new X509Certificate(later.certPem);
    expect(cert.checkIP("10.1.2.3")).toBeDefined();
    expect(cert.checkHost("box.example")).toBeDefined();
  });
  it("two processes that start at once agree on one authority", async () => {
    const made = await Promise.all([1, 2, 3].map(() => ensureTls({ dir, env: at(0), hosts })));
    expect(new Set(made.map((m) => m.caPem)).size).toBe(1);
  });
  it("is trusted by a client that trusts the authority", async () => {
    const tls = await ensureTls({ dir, env: at(0), hosts });
    const server = createServer({ cert: tls.certPem, key: tls.keyPem }, (_q, s) => s.end("mine"));
    await new Promise<void>((r) => server.listen(0, "127.0.0.1", r));
    try {
      const { port } = server.address() as AddressInfo;
      const status = await new Promise<string>((resolve, reject) => {
        request({ host: "127.0.0.1", port, ca: tls.caPem }, (r) => r.on("data", (d: Buffer) => resolve(d.toString())))
          .on("error", reject)
          .end();
      });
      expect(status).toBe("mine");
    } finally {
      server.close();
    }
  });
});
