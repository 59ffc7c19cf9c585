// npm run bench: medians and ratios of Steadfleet, the raw Engine API, docker-compose and docker stack, interleaved in one run.
import { parseArgs } from "node:util";
import { spawnSync } from "node:child_process";
import { startHosts } from "../test/harness/hosts.ts";
import { loadImages, TEST_IMAGES } from "../test/harness/images.ts";
import { run as exec, which } from "../test/harness/run.ts";
import { ensureSetup } from "../test/harness/setup.ts";
import { measure } from "./cases.ts";
import { Compose } from "./compose.ts";
import { startDev } from "./dev.ts";
import { EngineClient } from "./engine.ts";
import { Cli, Ours } from "./ours.ts";
import type { Peer } from "./peer.ts";
import { Raw } from "./raw.ts";
import { report, type Run, table } from "./report.ts";
import { Swarm } from "./swarm.ts";

const USAGE = `npm run bench -- [options]
  -o json            figures as one line of JSON on stdout (default: a table); npm run -s keeps npm quiet
  --sizes 1,10,50    containers per run
  --rounds 3         how often each is measured
  --peers LIST       of ours,cli,raw,compose,swarm (default: all)
`;

const { values } = parseArgs({
  options: {
    output: { type: "string", short: "o", default: "table" },
    sizes: { type: "string", default: "1,10,50" },
    rounds: { type: "string", default: "3" },
    peers: { type: "string", default: "ours,cli,raw,compose,swarm" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const numbers = (text: string, flag: string): number[] =>
  text.split(",").map((part) => {
    const n = Number(part);
    if (!Number.isInteger(n) || n < 1) throw new Error(`${flag}: ${part} is not a positive whole number\n${USAGE}`);
    return n;
  });
const sizes = numbers(values.sizes, "--sizes");
const [rounds = 3] = numbers(values.rounds, "--rounds");
const wanted = new Set(values.peers.split(","));
/** Requests in flight: below 2 cores leave the engine idle, above 8 nothing was ever gained. */
const CONCURRENCY = [1, 2, 4, 8];

await ensureSetup(say);
if (wanted.has("compose") && !which("docker-compose")) {
  say("installing docker-compose");
  await exec("apt-get", ["update", "-q"]);
  await exec("apt-get", ["install", "-y", "--no-install-recommends", "docker-compose"], { env: { DEBIAN_FRONTEND: "noninteractive" } });
}
if (spawnSync("npm", ["run", "-s", "build"], { stdio: ["ignore", 2, 2] }).status !== 0) throw new Error("npm run build failed");
// Without it Swarm asks a registry before each task.
process.env["DOCKER_SERVICE_PREFER_OFFLINE_IMAGE"] = "1";

const closers: (() => Promise<void>)[] = [];
let failed = false;
try {
  const hosts = await startHosts(2, { prefix: "bench-" });
  closers.push(() => hosts.stop());
  // A swarm changes a host (its own networks and agents), so it has one to itself.
  const [host, swarmHost] = hosts.list;
  if (!host || !swarmHost) throw new Error("two hosts were asked for");
  await loadImages([host, swarmHost], ["web"]);
  const image = TEST_IMAGES.web;
  const client = (socketPath: string): EngineClient => {
    const engine = new EngineClient(socketPath);
    closers.push(async () => engine.close());
    return engine;
  };
  const engine = client(host.socketPath);

  const peers: { peer: Peer; variant: string }[] = [];
  if (wanted.has("ours") || wanted.has("cli")) {
    const dev = await startDev(host.name, host.socketPath);
    closers.push(() => dev.stop());
    if (wanted.has("ours")) peers.push({ peer: new Ours(engine, image, dev.server), variant: "" });
    if (wanted.has("cli")) peers.push({ peer: new Cli(engine, image, dev.bin, dev.kubeconfig, dev.dir), variant: "" });
  }
  if (wanted.has("raw")) for (const n of CONCURRENCY) peers.push({ peer: new Raw(engine, image, n), variant: String(n) });
  if (wanted.has("compose")) peers.push({ peer: await Compose.open(engine, image), variant: "" });
  if (wanted.has("swarm")) peers.push({ peer: await Swarm.open(client(swarmHost.socketPath), image, swarmHost.address), variant: "" });
  for (const { peer } of peers) closers.push(() => peer.close());

  const runs: Run[] = [];
  let serial = 0;
  for (let round = 0; round < rounds; round++) {
    for (const size of sizes) {
      // Each round starts with another peer, so that none always runs on the machine that the same other one left behind.
      const turn = [...peers.slice(round % peers.length), ...peers.slice(0, round % peers.length)];
      for (const { peer, variant } of turn) {
        if (peer.name === "raw" && Number(variant) > size && variant !== "1") continue;
        const sample = await measure(peer, `bench${++serial}`, size);
        runs.push({ peer: peer.name, variant, size, sample });
        say(
          `round ${round + 1}/${rounds}  ${String(size).padStart(3)} × ${peer.name}${variant && `/${variant}`}: ${JSON.stringify(sample, (_, v: unknown) => (typeof v === "number" ? Math.round(v) : v))}`,
        );
      }
    }
  }
  const cases = report(runs);
  process.stdout.write(values.output === "json" ? `${JSON.stringify({ cases })}\n` : `${table(cases)}\n`);
} catch (error) {
  failed = true;
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
} finally {
  for (const close of closers.toReversed()) await close().catch((error: unknown) => say(`clean-up: ${String(error)}`));
}
process.exit(failed ? 1 : 0);
