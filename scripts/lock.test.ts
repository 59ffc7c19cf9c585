import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Lock {
  packages: Record<string, { optionalDependencies?: Record<string, string> }>;
}

it("package-lock.json names the binaries of all platforms, or `npm ci` refuses it on a machine without node_modules", () => {
  const { packages } = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")) as Lock;
  const missing = Object.values(packages)
    .flatMap((one) => Object.keys(one.optionalDependencies ?? {}))
    .filter((name) => !(`node_modules/${name}` in packages));
  // npm leaves out what the registry of the moment lacks: add it by hand, with version, os, cpu and "optional".
  expect(missing).toEqual([]);
});
