// The node's key: what secrets for it are sealed to. The private half stays in the data directory, and never goes elsewhere.
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { type KeyPair, newKeyPair, publicKeyOf } from "../../store/seal.ts";

const FILE = "node.key";

/** The one that is there, else a new one (mode 0600): the controller then seals everything for it anew. */
export const nodeKey = async (dataDir: string, log: Logger): Promise<KeyPair> => {
  const path = join(dataDir, FILE);
  try {
    const privateKey = (await readFile(path, "utf8")).trim();
    return { privateKey, publicKey: publicKeyOf(privateKey) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ path, err: error }, "the node's key cannot be read, making another one");
  }
  const pair = newKeyPair();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(`${pair.privateKey}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  log.info({ path, publicKey: pair.publicKey }, "node key made");
  return pair;
};
