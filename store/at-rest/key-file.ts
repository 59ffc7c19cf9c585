// The file with the master keys: readable by its owner alone, made once and never overwritten.
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { EncryptionKeyError } from "../errors.ts";
import { Keyring, newKey } from "./keyring.ts";

const HEAD = `# Encrypts the Secrets of a cluster in etcd. Without it they are lost: keep a copy in a safe place.
# To rotate: docs/operations.md.
`;

/** Undefined: there is no such file. @throws EncryptionKeyError when others can read it, or it holds no key */
export const readKeyFile = async (path: string): Promise<Keyring | undefined> => {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      throw new EncryptionKeyError(`${path} can be read by others (mode ${(mode & 0o777).toString(8)}): chmod 600 ${path}`);
    return Keyring.parse(await readFile(path, "utf8"), path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (error instanceof EncryptionKeyError) throw error;
    throw new EncryptionKeyError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
};

/** Whole or not at all; somebody else's, where one was faster. @throws EncryptionKeyError */
export const makeKeyFile = async (path: string): Promise<{ keyring: Keyring; made: boolean }> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  let made = true;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(`${HEAD}${newKey()}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      made = false;
    });
    const dir = await open(dirname(path), "r");
    try {
      await dir.sync();
    } finally {
      await dir.close();
    }
  } finally {
    await rm(draft, { force: true });
  }
  const keyring = await readKeyFile(path);
  if (!keyring) throw new EncryptionKeyError(`${path} was removed while it was being made`);
  return { keyring, made };
};
