// npm run setup: installs what tests, demo and bench need. Says nothing and takes no time when all is there.
import { ensureSetup, SetupError } from "../test/harness/setup.ts";

try {
  await ensureSetup((line) => process.stdout.write(`${line}\n`));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
