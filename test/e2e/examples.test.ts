// Every example is applied as its own comment says, and becomes Healthy.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { Stack } from "../../schemas/types.ts";
import { REGISTRY } from "../../examples/images/build.ts";
import { Fleet } from "../harness/fleet.ts";
import { runAny } from "../harness/run.ts";
import { kubectlPrograms } from "../kubectl.ts";

const directory = fileURLToPath(new URL("../../examples/", import.meta.url));
const manifests = readdirSync(directory).filter((file) => file.endsWith(".yaml"));
/** What else each example promises. */
const promises: Record<string, (fleet: Fleet) => Promise<void>> = {
  "web.yaml": async (fleet) => expect(await page(fleet, "web", "web", 8080)).toContain("Welcome to nginx!"),
  "shop.yaml": async (fleet) => {
    expect(await page(fleet, "shop", "web", 8081)).toContain("Welcome to nginx!");
    const [db] = (await fleet.everywhere("shop")).filter(({ Name }) => Name.startsWith("/shop-db-"));
    const jobs = () => fleet.member(db?.node ?? "").host.docker(["exec", db?.Id ?? "", "redis-cli", "get", "jobs"]);
    await fleet.until("the workers to do jobs", async () => Number(await jobs()) > 0);
  },
  "job.yaml": async (fleet) => {
    expect(await page(fleet, "notes", "web", 8082)).toBe("prepared by the job\n");
    const { status } = await fleet.client.get<Stack>("stacks", "notes");
    expect(status?.services?.["migrate"]?.job?.runs).toMatchObject([{ state: "Complete", succeeded: 1 }]);
  },
  "schedule.yaml": async (fleet) => {
    const { status } = await fleet.client.get<Stack>("stacks", "ledger");
    expect(status?.services?.["backup"]?.job).toMatchObject({ schedule: "0 3 * * * Europe/Berlin", runs: [] });
    expect(Date.parse(status?.services?.["backup"]?.job?.nextScheduleTime ?? "")).toBeGreaterThan(Date.now());
    const names = (await fleet.everywhere("ledger")).map(({ Name }) => Name);
    expect(names, "nothing runs before its time").toEqual([expect.stringMatching(/^\/ledger-app-0-/)]);
  },
  "secrets.yaml": async (fleet) => {
    expect(await page(fleet, "files", "web", 8084)).toContain("Hello from a ConfigMap");
    const [db] = (await fleet.everywhere("files")).filter(({ Name }) => Name.startsWith("/files-db-"));
    const { host } = fleet.member(db?.node ?? "");
    expect(await host.docker(["exec", db?.Id ?? "", "cat", "/run/secrets/db-password"])).toBe("not-so-secret");
    expect(await host.docker(["inspect", db?.Id ?? ""])).not.toContain("not-so-secret");
  },
  "global.yaml": async (fleet) => {
    for (const { host } of fleet.members) {
      const metrics = await fleet.until("metrics", () => fetch(`http://${host.address}:9100/metrics`).then((answer) => answer.text()));
      expect(metrics).toMatch(/^node_load1 \d/);
    }
  },
};

/** A file may hold what the Stack needs beside it. */
function stackIn(text: string): Stack {
  const stack = parseAllDocuments(text)
    .map((document) => document.toJS() as Stack)
    .find(({ kind }) => kind === "Stack");
  if (!stack) throw new Error("no Stack in the example");
  return stack;
}

/** What a service answers on a port of the node that it runs on. */
async function page(fleet: Fleet, stack: string, service: string, port: number): Promise<string> {
  const [one] = (await fleet.everywhere(stack)).filter(({ Name }) => Name.startsWith(`/${stack}-${service}-`));
  const { address } = fleet.member(one?.node ?? "").host;
  return fleet.until(`http://${address}:${port}/`, () => fetch(`http://${address}:${port}/`).then((answer) => answer.text()));
}

describe("examples", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ images: ["nginx", "redis", "busybox"] });
  });
  afterAll(() => fleet?.stop());

  it("has a promise for each file", () => {
    expect(Object.keys(promises).toSorted()).toEqual(manifests.toSorted());
  });

  it.each(manifests)("%s", async (file) => {
    const text = readFileSync(directory + file, "utf8");
    expect(text).toMatch(/^# \w/);
    expect(text, "the images come from one registry, so that one change moves them all").not.toMatch(new RegExp(`image: (?!${REGISTRY}/)`));
    const { code, stdout, stderr } = await fleet.steady(["apply", "-f", directory + file]);
    expect(code, stdout + stderr).toBe(0);
    const { metadata } = stackIn(text);
    await fleet.healthy(metadata.name, 1000);
    await promises[file]?.(fleet);
    const gone = await fleet.steady(["delete", metadata.name, "--yes"]);
    expect(gone.code, gone.stdout + gone.stderr).toBe(0);
    expect(await fleet.everywhere(metadata.name)).toEqual([]);
  });

  it("all at once with stock kubectls, the oldest and the newest", async () => {
    for (const { path, version } of await kubectlPrograms()) {
      const kubectl = async (...args: string[]) => {
        const { code, stdout, stderr } = await runAny(path, args, {
          env: { KUBECONFIG: fleet.kubeconfig, HOME: fleet.dir },
          timeoutMs: 120_000,
        });
        expect(code, `kubectl ${version} ${args.join(" ")}: ${stdout}${stderr}`).toBe(0);
        return stdout;
      };
      // kubectl 1.20 knows no `x-…` keys.
      const flags = /^v?1\.2[0-4]\b/.test(version) ? ["--validate=false"] : [];
      await kubectl("apply", ...flags, "-f", directory);
      await kubectl("wait", "--for=condition=Ready", "stack", "--all", "--timeout=90s");
      const wide = await kubectl("get", "stacks,pods,nodes", "-o", "wide");
      for (const name of ["stack.steadfleet.dev/shop", "stack.steadfleet.dev/metrics", "pod/shop-db-0-", "node/node-3"])
        expect(wide).toContain(name);
      expect(await kubectl("apply", ...flags, "-f", directory)).toMatch(/^(\S+ unchanged\n)+$/);
      await kubectl("delete", "-f", directory, "--timeout=90s");
    }
  });

  it("compose.yaml", async () => {
    const cwd = `${directory}compose`;
    const { code, stdout, stderr } = await fleet.steady(["up", "--yes"], { cwd, env: { WEB_PORT: "8090" } });
    expect(code, stdout + stderr).toBe(0);
    await fleet.healthy("counter", 1000);
    expect(await page(fleet, "counter", "web", 8090)).toContain("Welcome to nginx!");
    expect((await fleet.steady(["delete", "counter", "--yes"])).code).toBe(0);
  });
});
