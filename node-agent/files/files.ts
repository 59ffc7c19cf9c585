// Configs and secrets of pods as files: written before a container is made or started, each for itself, and taken away with its pod.
import { createHash } from "node:crypto";
import { chmod, chown, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import type { DesiredPod, FileSpec } from "../../schemas/fleet.ts";
import type { FileSource } from "../render.ts";
import { PodFault } from "../resources.ts";
import type { Contents } from "./contents.ts";
import type { RunDir } from "./run-dir.ts";

export interface PodFilesOptions {
  dir: RunDir;
  contents: Pick<Contents, "open">;
  log: Logger;
}

type Pod = Pick<DesiredPod, "uid" | "namespace" | "container">;

export class PodFiles {
  private draft = 0;
  constructor(private readonly o: PodFilesOptions) {}

  /** Where a pod's files lie, whether they are there or not. The name tells which it is, and never what is in it. */
  sourceOf(pod: Pick<DesiredPod, "uid">): FileSource {
    return (file) => this.pathOf(pod, file);
  }

  /**
   * All of the pod's files are as they should be.
   * @throws PodFault when a content has not come, cannot be opened, or there is no tmpfs
   */
  async ensure(pod: Pod): Promise<void> {
    const { files = [] } = pod.container;
    if (files.length === 0) return;
    await this.o.dir.ensure();
    await mkdir(join(this.o.dir.path, pod.uid), { recursive: true, mode: 0o700 });
    for (const file of files) await this.write(this.pathOf(pod, file), file, this.o.contents.open(pod.namespace, file));
  }

  /** Why the pod's contents cannot be opened now. Writes nothing. */
  missing({ namespace, container }: Pod): PodFault | undefined {
    try {
      for (const file of container.files ?? []) this.o.contents.open(namespace, file);
      return undefined;
    } catch (error) {
      if (error instanceof PodFault) return error;
      throw error;
    }
  }

  /** Whatever can be brought back of them: after a reboot the engine starts containers by itself. Only what is missing is written. */
  async restore(pods: Iterable<Pod>): Promise<void> {
    for (const pod of pods) {
      const { files = [] } = pod.container;
      if (files.length === 0) continue;
      const there = await Promise.all(files.map(async (f) => (await stat(this.pathOf(pod, f)).catch(() => undefined)) !== undefined));
      if (there.every(Boolean)) continue;
      await this.ensure(pod).catch((err: unknown) => this.o.log.debug({ pod: pod.uid, err }, "files cannot be brought back yet"));
    }
  }

  /**
   * Takes away what belongs to no pod.
   * @param uids of pods that are desired, or have a container: asked once it is known what is there, so that nothing newer goes
   */
  async keep(uids: () => ReadonlySet<string>): Promise<void> {
    const there = await this.o.dir.entries();
    const stay = uids();
    for (const uid of there) {
      if (stay.has(uid)) continue;
      await rm(join(this.o.dir.path, uid), { recursive: true, force: true });
      this.o.log.info({ uid }, "files of a pod that is gone removed");
    }
  }

  private pathOf({ uid }: Pick<DesiredPod, "uid">, { key, target }: FileSpec): string {
    return join(
      this.o.dir.path,
      uid,
      `${key.replaceAll(/[^\w.-]/g, "_")}-${createHash("sha256").update(target).digest("hex").slice(0, 8)}`,
    );
  }

  /** Whole or not at all; a container that runs keeps the file that it has. */
  private async write(path: string, { kind, key, uid, gid, mode }: FileSpec, content: Buffer): Promise<void> {
    const now = await stat(path).catch(() => undefined);
    const owned = now && (uid === undefined || now.uid === Number(uid)) && (gid === undefined || now.gid === Number(gid));
    if (owned && (now.mode & 0o7777) === mode && now.size === content.length && (await readFile(path)).equals(content)) return;
    const draft = join(dirname(path), `.new-${++this.draft}`);
    try {
      const file = await open(draft, "w", 0o600);
      try {
        await file.writeFile(content);
      } finally {
        await file.close();
      }
      if (uid !== undefined || gid !== undefined) await own(draft, uid, gid, `${kind} ${key}`);
      await chmod(draft, mode);
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      if (error instanceof PodFault) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new PodFault("FileNotWritten", `${kind} ${key} cannot be written: ${why}`);
    }
  }
}

const own = async (path: string, uid: string | undefined, gid: string | undefined, what: string): Promise<void> => {
  const [user, group] = [Number(uid ?? process.getuid?.() ?? 0), Number(gid ?? process.getgid?.() ?? 0)];
  if (!Number.isInteger(user) || !Number.isInteger(group))
    throw new PodFault("FileNotWritten", `${what}: uid and gid are numbers; ${JSON.stringify(uid ?? gid)} is none`);
  try {
    await chown(path, user, group);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new PodFault("FileNotWritten", `${what} cannot be given to ${user}:${group}: ${why}. Run the agent as root`);
  }
};
