// Where a test run keeps what outlives a process: a directory that names its owner, so that the next run can clean up after a crash.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTime } from "./run.ts";

const PREFIX = "steady-test-";
const me = (): string => `owner-${process.pid}-${startTime(process.pid)}`;

/** A fresh directory owned by this process. Short, because a Unix socket's path has 107 bytes at most. */
export function newLair(kind: string): string {
  const dir = mkdtempSync(join(tmpdir(), `${PREFIX}${kind}-`));
  writeFileSync(join(dir, me()), "");
  return dir;
}

/**
 * Directories of this kind whose owner is gone, claimed for this process. The claim is one rename:
 * of two runs that sweep at once only one gets a directory.
 */
export function claimStale(kind: string): string[] {
  const claimed: string[] = [];
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(`${PREFIX}${kind}-`)) continue;
    const dir = join(tmpdir(), name);
    try {
      const owner = readdirSync(dir).find((file) => file.startsWith("owner-"));
      const [, pid, started] = owner?.split("-") ?? [];
      if (owner === undefined || startTime(Number(pid)) === started) continue;
      renameSync(join(dir, owner), join(dir, me()));
      claimed.push(dir);
    } catch {
      // Somebody else claimed or removed it first.
    }
  }
  return claimed;
}

/** What agents have mounted below it goes first. */
export const removeLair = (dir: string): void => {
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n").toReversed()) {
    const at = line.split(" ")[1] ?? "";
    if (at.startsWith(`${dir}/`)) spawnSync("umount", ["-l", at]);
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
};

/** A directory below a lair. */
export function room(dir: string, name: string): string {
  const path = join(dir, name);
  mkdirSync(path, { recursive: true });
  return path;
}
