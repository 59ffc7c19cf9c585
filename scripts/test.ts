// npm test: everything, in the order of cheapness. The last line is the sum: "N passed, N failed".
// A step that fails, a file that cannot be loaded and a skipped test count as failed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const STEPS = ["setup", "build", "generate:check", "types", "lint", "format:check"];
/** Files of the last two bring etcd and Docker hosts of their own, and mostly wait for them: several at a time, on few cores too. */
const PROJECTS: Record<string, string[]> = { unit: ["--maxWorkers=2"], real: ["--maxWorkers=3"], e2e: ["--maxWorkers=3"] };

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; assertionResults: unknown[]; message: string }[];
}

let passed = 0;
let failed = 0;
const run = (command: string, args: string[]): boolean => spawnSync(command, args, { stdio: "inherit" }).status === 0;
const fail = (count: number, why: string): void => {
  failed += count;
  process.stdout.write(`FAILED: ${why}\n`);
};

const out = mkdtempSync(join(tmpdir(), "steady-report-"));
for (const step of STEPS) if (!run("npm", ["run", "-s", step])) fail(1, `npm run ${step}`);

for (const [project, flags] of Object.entries(PROJECTS)) {
  const file = join(out, `${project}.json`);
  const fine = run("npx", [
    "vitest",
    "run",
    "--project",
    project,
    ...flags,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
  ]);
  if (!existsSync(file)) {
    fail(1, `vitest wrote no report of ${project}`);
    continue;
  }
  const report = JSON.parse(readFileSync(file, "utf8")) as Report;
  const broken = report.testResults.filter((result) => result.status === "failed" && result.assertionResults.length === 0);
  const skipped = report.numPendingTests + report.numTodoTests;
  passed += report.numPassedTests;
  if (report.numFailedTests > 0) fail(report.numFailedTests, `${project} tests, see above`);
  for (const result of broken) fail(1, `${result.name}: ${result.message}`);
  if (skipped > 0) fail(skipped, `skipped ${project} tests: a test that does not run shows nothing`);
  if (!fine && report.numFailedTests + broken.length === 0) fail(1, `vitest of ${project} ended with an error, see above`);
}
rmSync(out, { recursive: true, force: true });

process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
