// The directory of opened contents: a file system in memory, that only its owner enters. Never a disk.
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, rm, rmdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Obstacle } from "../resources.ts";

const run = promisify(execFile);

/** Source: linux/magic.h (TMPFS_MAGIC, RAMFS_MAGIC). */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];
/** What is not executable cannot be a script that a container starts, so `noexec` is left out. */
const OPTIONS = "mode=0700,nosuid,nodev,size=25%";

/** What the machine does; tests bring their own. */
export interface Mounts {
  /** Whether what is written there stays in memory. */
  inMemory(dir: string): Promise<boolean>;
  mount(dir: string): Promise<void>;
  unmount(dir: string): Promise<void>;
}

export const machineMounts: Mounts = {
  inMemory: async (dir) => IN_MEMORY.includes((await statfs(dir)).type),
  mount: async (dir) => void (await run("mount", ["-t", "tmpfs", "-o", OPTIONS, "steadfleet", dir], { timeout: 10_000 })),
  unmount: async (dir) => void (await run("umount", ["-l", dir], { timeout: 10_000 })),
};

/** One for each agent. */
export class RunDir {
  /** One at a time: a second mount would hide what is in the first. */
  private last: Promise<void> = Promise.resolve();
  constructor(
    readonly path: string,
    private readonly mounts: Mounts = machineMounts,
  ) {}

  /** Makes it, and mounts a tmpfs where it would lie on a disk; again, when somebody has unmounted it. @throws Obstacle */
  ensure(): Promise<void> {
    const made = this.last.catch(() => undefined).then(() => this.make());
    this.last = made;
    return made;
  }

  private async make(): Promise<void> {
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
      if (!(await this.mounts.inMemory(this.path))) await this.mounts.mount(this.path);
      if (!(await this.mounts.inMemory(this.path))) throw new Error("it is still on a disk after mounting a tmpfs");
      await chmod(this.path, 0o700);
    } catch (error) {
      const why = error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error);
      throw new Obstacle(
        "NoTmpfs",
        `configs and secrets are kept in memory only, and there is no tmpfs at ${this.path}: ${why}. Run the agent as root, or give it a directory on a tmpfs with --run-dir`,
      );
    }
  }

  async entries(): Promise<string[]> {
    return await readdir(this.path).catch(() => []);
  }
}

/** Takes away what agents of a cluster left below `dir`. For a reset: no agent runs. */
export const removeRunDirs = async (dir: string, clusterId: string, mounts: Mounts = machineMounts): Promise<void> => {
  for (const name of await readdir(dir).catch((): string[] => [])) {
    if (!name.startsWith(`${clusterId}-`)) continue;
    const path = join(dir, name);
    for (const entry of await readdir(path)) await rm(join(path, entry), { recursive: true, force: true });
    // A mount point of its own is busy until it is unmounted; a directory on a tmpfs is none.
    await rmdir(path).catch(async () => {
      await mounts.unmount(path);
      await rmdir(path);
    });
  }
};
