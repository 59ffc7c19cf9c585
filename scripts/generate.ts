// Writes what follows from the JSON Schemas. `--check` compares instead, and fails when a file is out of date.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { loadSchema } from "../schemas/load.ts";
import { chartSchema } from "./generate/chart-schema.ts";
import { composeDoc } from "./generate/compose-doc.ts";
import { kindTypes } from "./generate/types.ts";

const top = fileURLToPath(new URL("../", import.meta.url));
const compose = loadSchema("compose");

/** Content by path. */
const files: Record<string, string> = {
  "schemas/types.ts": await kindTypes(),
  "docs/compose.md": composeDoc(compose),
  "charts/stack/values.schema.json": `${JSON.stringify(chartSchema(compose), null, 2)}\n`,
};

const check = process.argv.includes("--check");
for (const [path, text] of Object.entries(files)) {
  if (!check) {
    await mkdir(dirname(top + path), { recursive: true });
    await writeFile(top + path, text);
  } else if ((await readFile(top + path, "utf8").catch(() => "")) !== text) {
    process.stderr.write(`${path} is out of date: run \`npm run generate\` and commit the result\n`);
    process.exitCode = 1;
  }
}
