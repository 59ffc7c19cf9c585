// npm run demo: from nothing to a Stack that is Healthy, harmed by hand, and Healthy again. Needs root on Linux; leaves nothing running.
import { spawn } from "node:child_process";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildImages } from "../examples/images/build.ts";
import { LABELS } from "../schemas/constants.ts";
import { Engine, sweepEngine } from "../test/harness/engine.ts";
import { claimStale, newLair, removeLair, room } from "../test/harness/lair.ts";
import { endChild, run, runAny, searchPath } from "../test/harness/run.ts";
import { ensureSetup } from "../test/harness/setup.ts";
import { until } from "../test/harness/until.ts";

const KIND = "demo";
const top = fileURLToPath(new URL("../", import.meta.url));
const shop = "examples/shop.yaml";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const title = (line: string): void => say(`\n${process.stdout.isTTY && !process.env["NO_COLOR"] ? `\u001b[1m${line}\u001b[0m` : line}`);

interface Place {
  dir: string;
  docker: string;
  env: Record<string, string>;
}

/** Shows a command as a person would type it, runs it, and shows what it prints. */
async function show(shown: string, program: string, args: string[], place: Place): Promise<string> {
  say(`$ ${shown}`);
  const { code, stdout, stderr } = await runAny(program, args, { cwd: top, env: place.env, timeoutMs: 180_000 });
  const text = `${stdout}${stderr}`.trimEnd();
  if (text !== "") say(text.replaceAll(/^/gm, "  "));
  if (code !== 0) throw new Error(`${shown}: exit ${code}`);
  return stdout.trim();
}

const steadyArgs = (args: string[]): [string, string[]] => [process.execPath, [join(top, "dist/cli/main.js"), ...args]];
const steady = (line: string, place: Place): Promise<string> => show(`steady ${line}`, ...steadyArgs(line.split(" ")), place);

/** The machine's engine where one answers, else one for the demo alone that changes nothing outside its directory. */
async function engineFor(dir: string, undo: (() => Promise<unknown> | void)[]): Promise<string> {
  const url = process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  if ((await runAny("docker", ["-H", url, "version"], { timeoutMs: 5000 })).code === 0) {
    say(`✔ Docker at ${url}`);
    return url;
  }
  const options = {
    dir: room(dir, "d"),
    name: basename(dir),
    args: ["--bridge=none", "--iptables=false", "--ip-masq=false", "--ip-forward=false"],
  };
  const engine = new Engine(options);
  undo.push(() => engine.stop());
  await engine.start();
  say("✔ no Docker engine answered here: started one for this demo");
  return engine.url;
}

async function demo(undo: (() => Promise<unknown> | void)[]): Promise<void> {
  title("1. A control plane and this host, in one process");
  await ensureSetup(say);
  for (const stale of claimStale(KIND)) {
    await sweepEngine(join(stale, "d"), basename(stale));
    removeLair(stale);
  }
  await run("npm", ["run", "-s", "build"], { cwd: top, timeoutMs: 120_000 });
  const dir = newLair(KIND);
  undo.push(() => removeLair(dir));
  const docker = await engineFor(dir, undo);
  await buildImages(docker, ["nginx", "redis"]);
  say("✔ images built from Debian packages: steadfleet.local/nginx:1.22, steadfleet.local/redis:7.0");
  const place: Place = { dir, docker, env: { KUBECONFIG: join(dir, "kubeconfig"), DOCKER_HOST: docker, NO_COLOR: "1" } };
  await startDev(place, undo);

  title("2. A shop: web, two workers, and a database that they wait for");
  await steady(`apply -f ${shop}`, place);
  await steady("ps shop", place);

  title("3. Somebody removes the database's container by hand");
  const inspect = ["-H", docker, "ps", "-q", "--filter", `label=${LABELS.stack}=shop`, "--filter", `label=${LABELS.service}=db`];
  const victim = (await run("docker", inspect)).stdout.trim();
  const name = (await run("docker", ["-H", docker, "inspect", "-f", "{{.Name}}", victim])).stdout.trim().slice(1);
  await show(`docker rm -f ${name}`, "docker", ["-H", docker, "rm", "-f", name], place);
  const healed = await until(() => healOf(name, place), { what: "the heal", deadlineMs: 60_000 });
  await until(async () => (await runAny(...steadyArgs(["status", "shop", "--exit-code"]), { env: place.env })).code === 0, {
    what: "shop to be Healthy again",
    deadlineMs: 60_000,
  });

  title("4. It is back");
  await steady("get events", place);
  await steady("status shop --all", place);
  say(`\nHealed: ${healed}`);
}

interface Found {
  involvedObject: { name?: string };
  reason?: string;
  message?: string;
}

/** Reason and message of the Event that tells of the heal. */
async function healOf(container: string, place: Place): Promise<string | undefined> {
  const { stdout } = await run(...steadyArgs(["get", "events", "-o", "json"]), { env: place.env });
  const events = (JSON.parse(stdout) as { items: Found[] }).items;
  const event = events.find(({ involvedObject, reason }) => reason === "Healed" && involvedObject.name === container);
  return event?.message;
}

async function startDev(place: Place, undo: (() => Promise<unknown> | void)[]): Promise<void> {
  const flags = ["--data-dir", join(place.dir, "dev"), "--kubeconfig", join(place.dir, "kubeconfig"), "--docker-host", place.docker];
  say("$ steady dev");
  const [program, args] = steadyArgs(["dev", ...flags]);
  const child = spawn(program, args, {
    cwd: place.dir,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...place.env, PATH: searchPath() },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => void (printed += part.toString()));
  undo.push(async () => {
    await runAny(...steadyArgs(["delete", "shop", "--volumes", "--yes", "--ignore-not-found"]), { env: place.env, timeoutMs: 60_000 });
    await endChild(child);
  });
  const ready = async (): Promise<boolean> =>
    child.exitCode !== null || (await runAny(...steadyArgs(["node", "ls"]), { env: place.env })).stdout.includes("Ready");
  await until(ready, { what: "the node to be Ready", deadlineMs: 60_000, show: () => printed });
  if (child.exitCode !== null) throw new Error(`steady dev ended: ${printed}`);
  say(printed.trimEnd().replaceAll(/^/gm, "  "));
}

const undo: (() => Promise<unknown> | void)[] = [];
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => (interrupted = true));
try {
  await demo(undo);
} catch (error) {
  process.exitCode = 1;
  say(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
} finally {
  for (const step of undo.toReversed()) await step();
  if (interrupted) process.exitCode = 130;
}
