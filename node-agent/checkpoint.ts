// What the agent needs to go on without etcd: the desired set, what was reported, whose cluster it is. One file, replaced whole.
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Delivery, DesiredPod, ObservedPod } from "../schemas/fleet.ts";

export interface Checkpoint {
  version: 1;
  clusterId: string;
  node: string;
  /** Revision of etcd that `desired` is of. */
  revision: number;
  /** Nonce of the last session: shows the next run's right to replace it. */
  nonce: string;
  /** By `<namespace>/<pod>`. */
  desired: Record<string, { pod: DesiredPod; revision: number }>;
  observed: Record<string, ObservedPod>;
  /** Configs and secrets as they came, these still sealed: by etcd key. */
  sealed?: Record<string, Delivery>;
}

const FILE = "checkpoint.json";
const sum = (body: string): string => createHash("sha256").update(body).digest("hex");

/** undefined: there is none, or it is torn, or another node's: then everything is learnt anew, and nothing is removed until then. */
export const readCheckpoint = async (dataDir: string, node: string, log: Logger): Promise<Checkpoint | undefined> => {
  const path = join(dataDir, FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    log.warn({ path, err: error }, "checkpoint cannot be read, going on without");
    return undefined;
  }
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  if (end < 0 || sum(body) !== text.slice(0, end)) {
    log.warn({ path }, "checkpoint is torn, going on without");
    return undefined;
  }
  const checkpoint = JSON.parse(body) as Checkpoint;
  if (checkpoint.version !== 1 || checkpoint.node !== node) {
    log.warn({ path, version: checkpoint.version, node: checkpoint.node }, "checkpoint is of another node or version, going on without");
    return undefined;
  }
  return checkpoint;
};

/** Old or new, never torn: written beside, flushed, renamed, directory flushed. Readable by the owner only: it holds environments. */
export const writeCheckpoint = async (dataDir: string, checkpoint: Checkpoint): Promise<void> => {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const body = JSON.stringify(checkpoint);
  const path = join(dataDir, FILE);
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(`${sum(body)}\n${body}`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const directory = await open(dataDir, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};
