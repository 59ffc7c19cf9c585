// What tests, demo and bench need of the machine, and how to get it.
import { run, runAny, which } from "./run.ts";

interface Need {
  what: string;
  packages: string[];
  present(): boolean | Promise<boolean>;
}

const program = (name: string, pkg: string): Need => ({ what: name, packages: [pkg], present: () => which(name) !== undefined });

const NEEDS: Need[] = [
  program("etcd", "etcd-server"),
  program("dockerd", "docker.io"),
  // Newer Debian releases keep the command line in a package of its own.
  { what: "docker", packages: ["docker-cli", "docker.io"], present: () => which("docker") !== undefined },
  program("iptables", "iptables"),
  program("ip", "iproute2"),
  program("nsenter", "util-linux"),
  program("sysctl", "procps"),
  program("docker-registry", "docker-registry"),
  program("htpasswd", "apache2-utils"),
  program("docker-compose", "docker-compose"),
  {
    what: "a static busybox",
    packages: ["busybox-static"],
    present: async () => {
      const busybox = which("busybox");
      return busybox !== undefined && (await runAny("ldd", [busybox])).code !== 0;
    },
  },
];

/** Oldest Node that has all we use (package.json "engines"). */
const NODE = [20, 19] as const;

export class SetupError extends Error {
  override name = "SetupError";
}

/**
 * Makes sure that everything is there; quick when it is. As root it installs what is missing from the distribution.
 * @throws SetupError with the command to run, when something is missing and cannot be installed
 */
export async function ensureSetup(say: (line: string) => void = () => {}): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NODE[0] || (major === NODE[0] && minor < NODE[1])) {
    throw new SetupError(
      `Node.js ${NODE.join(".")} or newer is needed, this is ${process.versions.node}: see https://nodejs.org/en/download`,
    );
  }
  if (process.platform !== "linux")
    throw new SetupError(`Docker hosts are simulated with Linux namespaces: run this on Linux, not ${process.platform}`);
  const missing = await missingNeeds();
  if (missing.length > 0) {
    const words = missing.map((need) => need.what).join(", ");
    const packages = missing.map((need) => need.packages.at(-1)).join(" ");
    const hint = `apt-get update && apt-get install -y --no-install-recommends ${packages}`;
    if (which("apt-get") === undefined) throw new SetupError(`missing: ${words}. Install them (on Debian: ${hint})`);
    if (process.getuid?.() !== 0) throw new SetupError(`missing: ${words}. Run as root:\n  ${hint}`);
    say(`installing ${words}`);
    await install(missing);
    const still = await missingNeeds();
    if (still.length > 0) throw new SetupError(`still missing after the installation: ${still.map((need) => need.what).join(", ")}`);
  }
  if (process.getuid?.() !== 0) throw new SetupError("Docker hosts need root: run this as root (for example with sudo)");
}

async function missingNeeds(): Promise<Need[]> {
  const missing: Need[] = [];
  for (const need of NEEDS) if (!(await need.present())) missing.push(need);
  return missing;
}

async function install(missing: Need[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const timeoutMs = 300_000;
  await run("apt-get", ["update", "-q"], { env, timeoutMs });
  const packages: string[] = [];
  for (const need of missing) {
    for (const name of need.packages) {
      if ((await runAny("apt-cache", ["show", name])).code !== 0) continue;
      packages.push(name);
      break;
    }
  }
  // Another apt may be at work on a fresh machine: wait for its lock.
  const flags = ["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"];
  await run("apt-get", ["install", ...flags, ...new Set(packages)], { env, timeoutMs });
}
