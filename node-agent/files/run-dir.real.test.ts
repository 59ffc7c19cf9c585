// The directory of opened contents on a real machine: needs root, as mounting does.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { machineMounts, removeRunDirs, RunDir } from "./run-dir.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "run-dir-"));
  path = join(dir, "cluster-n1");
});
afterEach(async () => {
  if (existsSync(path)) await machineMounts.unmount(path).catch(() => undefined);
  rmSync(dir, { recursive: true, force: true });
});

const mountsAt = (): number =>
  readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.split(" ")[1] === path).length;

test("it is a tmpfs that only its owner enters, mounted once, and again when somebody has unmounted it", async () => {
  const run = new RunDir(path);
  await Promise.all([run.ensure(), run.ensure()]);
  expect([mountsAt(), statSync(path).mode & 0o777]).toEqual([1, 0o700]);
  await new RunDir(path).ensure();
  expect(mountsAt()).toBe(1);
  await machineMounts.unmount(path);
  await run.ensure();
  expect(mountsAt()).toBe(1);
});

test("what is below a tmpfs needs no mount", async () => {
  await new RunDir(path).ensure();
  const below = join(path, "more");
  await new RunDir(below).ensure();
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(` ${below} `);
});

test("a reset takes away what agents of the cluster left, mounted or not, and nothing of others", async () => {
  await new RunDir(path).ensure();
  writeFileSync(join(path, "x"), "");
  for (const name of ["cluster-n2/uid", "other-n1"]) mkdirSync(join(dir, name), { recursive: true });
  await removeRunDirs(dir, "cluster");
  expect(["cluster-n1", "cluster-n2", "other-n1"].map((name) => existsSync(join(dir, name)))).toEqual([false, false, true]);
  await removeRunDirs(join(dir, "absent"), "cluster");
});
