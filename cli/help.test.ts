import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "./commands/index.ts";
import { allFlags, commandHelp, reference, rootHelp } from "./help.ts";
import { errorsReference } from "./manifest/codes.ts";
import { run } from "./run.ts";
import { testIo } from "./testing/io.ts";

// Vitest compares with these files; `npx vitest run --project unit cli/help.test.ts -u` writes them anew.
describe("help", () => {
  it("of everything", async () => expect(rootHelp(COMMANDS)).toMatchFileSnapshot("golden/help/steady.txt"));
  it.each(COMMANDS.map((c) => [c.name, c] as const))("of %s", async (name, spec) =>
    expect(commandHelp(spec)).toMatchFileSnapshot(`golden/help/${name.replace(" ", "-")}.txt`),
  );
  it("is the reference", async () => expect(reference(COMMANDS)).toMatchFileSnapshot("../docs/cli.md"));

  it("is the list of errors", async () => expect(errorsReference()).toMatchFileSnapshot("../docs/errors.md"));

  it.each(COMMANDS.map((c) => [c.name, c] as const))("%s opens with one line and two examples that it can parse", async (name, spec) => {
    expect(spec.summary).toMatch(/^[A-Z].{10,100}\.$/);
    expect(spec.examples.length).toBeGreaterThanOrEqual(2);
    for (const [line] of spec.examples) {
      const words = line
        .replace(/^.*\| (?=steady)/, "")
        .replace(/ -- .*/, "")
        .replace(/ \|.*| \d?>.*/g, "")
        .split(" ");
      expect(words[0]).toBe("steady");
      const io = testIo();
      expect(await run([...words.slice(1), "--help"], io, COMMANDS)).toBe(0);
      expect(io.stdout.text).toBe(commandHelp(spec));
    }
    expect(name).toBe(spec.name);
  });

  it.each(COMMANDS.map((c) => [c.name, c] as const))("%s has no flag or letter twice", (_, spec) => {
    const flags = allFlags(spec);
    for (const names of [flags.map((f) => f.name), flags.flatMap((f) => f.short ?? [])]) expect(new Set(names).size).toBe(names.length);
  });

  it("lines fit 140 columns", () => {
    for (const spec of COMMANDS) for (const line of commandHelp(spec).split("\n")) expect(line.length, line).toBeLessThanOrEqual(140);
  });
});

describe("start", () => {
  /** Modules that are loaded before a command runs, by their static imports. */
  const reached = (entry: string): Set<string> => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const source = readFileSync(file, "utf8").replace(/^import type .*$/gm, "");
      for (const [, specifier = ""] of source.matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)";/gms))
        if (specifier.startsWith(".")) visit(join(dirname(file), specifier));
        else seen.add(specifier);
    };
    visit(entry);
    return seen;
  };

  it("loads neither parsers, nor HTTP, nor another room: help stays fast", () => {
    const top = fileURLToPath(new URL("..", import.meta.url));
    const all = [...reached(join(top, "cli/main.ts"))].map((f) => f.replace(top, ""));
    expect(all.filter((f) => !f.startsWith("cli/")).toSorted()).toEqual(
      [
        "commander",
        "node:fs",
        "node:os",
        "node:path",
        "schemas/constants.ts",
        "schemas/words.ts",
        "store/env.ts",
        "node:crypto",
        "node:timers/promises",
      ].toSorted(),
    );
    expect(all.filter((f) => /^cli\/(kube|manifest|rollout|deploy|see|look|dev|process)\//.test(f))).toEqual([]);
  });
});
