// node scripts/with-packages.mjs FILE.ts [ARGUMENT…]: runs a script of ours on a machine that has nothing but Node.js and npm yet.
// Plain JavaScript without imports from packages, because it is what installs them.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("../", import.meta.url));
const [file, ...args] = process.argv.slice(2);

/** Whether each package of the lock file is installed in its version; those for other systems may be missing. */
const complete = () => {
  const installed = `${top}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, "utf8")).packages;
  const want = JSON.parse(readFileSync(`${top}package-lock.json`, "utf8")).packages;
  return Object.entries(want).every(([path, p]) => path === "" || p.optional || have[path]?.version === p.version);
};

if (!complete()) {
  process.stderr.write("installing npm packages\n");
  // Nothing that we use needs an install script.
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], { cwd: top, stdio: ["ignore", 2, 2] });
  if (npm.status !== 0) process.exit(npm.status ?? 1);
}
const { status, signal } = spawnSync(process.execPath, ["--import", "tsx", file, ...args], { stdio: "inherit" });
if (signal) process.kill(process.pid, signal);
process.exit(status ?? 1);
