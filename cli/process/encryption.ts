// The file with the keys that Secrets are encrypted with in etcd.
import { join, resolve } from "node:path";
import type { Context } from "../command.ts";
import { CliError, EXIT, errorText } from "../errors.ts";

/** `--encryption-key-file`, else in the data directory. */
export const encryptionKeyFile = ({ flags, io }: Pick<Context, "flags" | "io">, dataDir: string): string =>
  resolve(io.cwd, flags.str("encryption-key-file") ?? join(dataDir, "encryption.key"));

/** @throws CliError for a file that cannot be used; anything else as it is */
export const badKeyFile = (error: unknown): never => {
  if (!(error instanceof Error) || error.name !== "EncryptionKeyError") throw error;
  throw new CliError(EXIT.failed, `encryption key: ${errorText(error)}`, {
    help: "the file holds one key in each line, and only its owner can read it; see docs/operations.md",
    cause: error,
  });
};
