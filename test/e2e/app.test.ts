// A real application from its folder: started in order, updated, given another config, deleted and brought back with its data.
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Container, Fleet } from "../harness/fleet.ts";
import { room } from "../harness/lair.ts";

const NODE = "node-1";
const PASSWORD = "correct horse battery staple";

interface Answer {
  visits: number;
  "since the cache came": number;
  motd: string;
}

describe("PostgreSQL, Redis, a program and nginx", () => {
  let fleet: Fleet;
  let folder: string;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1, images: ["nginx", "redis", "postgres", "python"] });
    folder = join(room(fleet.dir, "work"), "app");
    cpSync(fileURLToPath(new URL("../../examples/app", import.meta.url)), folder, { recursive: true });
  });
  afterAll(() => fleet?.stop());

  const up = async (): Promise<string> => {
    const { code, stdout, stderr } = await fleet.steady(["up", "--yes", "--timeout", "90s"], { cwd: folder, timeoutMs: 120_000 });
    expect(code, stdout + stderr + fleet.logs()).toBe(0);
    expect(stdout + stderr).not.toContain(PASSWORD);
    await fleet.healthy("app");
    return stdout + stderr;
  };
  const url = () => `http://${fleet.member(NODE).host.address}:8082/`;
  const visit = async (): Promise<Answer> => (await (await fetch(url())).json()) as Answer;
  /** By service. */
  const containers = async (): Promise<Record<string, Container>> =>
    Object.fromEntries((await fleet.containers(NODE, "app")).map((c) => [c.Config.Labels["steadfleet.dev/service"] ?? "", c]));
  const replaced = (before: Record<string, Container>, after: Record<string, Container>): string[] =>
    Object.keys(after)
      .filter((service) => before[service]?.Id !== after[service]?.Id)
      .toSorted();

  it("starts each when those it needs are healthy, and serves", async () => {
    await up();
    const { front, web, cache, db } = await containers();
    const started = (c: Container | undefined): string => c?.State.StartedAt ?? "";
    expect(started(db) < started(web) && started(cache) < started(web) && started(web) < started(front)).toBe(true);
    expect(await visit()).toEqual({ visits: 1, "since the cache came": 1, motd: "Fresh today: apples" });
  });

  it("keeps the password out of what Docker tells", async () => {
    expect(JSON.stringify(await containers())).not.toContain(PASSWORD);
    const { db } = await containers();
    expect(await fleet.member(NODE).host.docker(["exec", db?.Id ?? "", "cat", "/run/secrets/db-password"])).toContain(PASSWORD);
  });

  it("has nothing to do when nothing changed", async () => {
    const before = await containers();
    await up();
    expect(replaced(before, await containers())).toEqual([]);
  });

  it("replaces what reads a changed config, and nothing else", async () => {
    const before = await containers();
    writeFileSync(join(folder, "motd.txt"), "Fresh today: pears\n");
    await up();
    expect(replaced(before, await containers())).toEqual(["web"]);
    expect(await visit()).toEqual({ visits: 2, "since the cache came": 2, motd: "Fresh today: pears" });
  });

  it("is updated, one service of it", async () => {
    const before = await containers();
    writeFileSync(
      join(folder, "compose.override.yaml"),
      "services:\n  cache:\n    command: [redis-server, --bind, 0.0.0.0, --protected-mode, 'no']\n",
    );
    await up();
    expect(replaced(before, await containers())).toEqual(["cache"]);
    expect(await visit()).toMatchObject({ visits: 3, "since the cache came": 1 });
  });

  it("comes back whole after a crash of all of it", async () => {
    const { host } = fleet.member(NODE);
    for (const { Id } of await fleet.containers(NODE, "app")) await host.docker(["rm", "-f", Id]);
    await fleet.until("all to be new", async () => (await fleet.containers(NODE, "app")).length === 4);
    await fleet.healthy("app");
    expect(await fleet.until("an answer", async () => (await visit()).visits)).toBeGreaterThan(3);
  });

  it("keeps its database when the Stack is deleted and applied again", async () => {
    const { visits } = await visit();
    const { code, stdout, stderr } = await fleet.steady(["delete", "app", "--yes"], { timeoutMs: 90_000 });
    expect(code, stdout + stderr).toBe(0);
    expect(await fleet.containers(NODE, "app")).toEqual([]);
    await up();
    expect(await visit()).toEqual({ visits: visits + 1, "since the cache came": 1, motd: "Fresh today: pears" });
  });
});
