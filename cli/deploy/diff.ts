// `steady diff`: the objects as they are and as they would be, as YAML, line by line.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "../../schemas/meta.ts";
import type { Context } from "../command.ts";
import { CliError, EXIT, errorText } from "../errors.ts";
import { applyObject } from "../kube/apply.ts";
import { withClient } from "../kube/connect.ts";
import { loadManifests } from "../manifest/load.ts";
import type { Style } from "../text/style.ts";
import { shownPair } from "./masked.ts";
import { inputsOf } from "./plan.ts";
import { unifiedDiff } from "./unified.ts";

interface Pair {
  name: string;
  a: string;
  b: string;
}

/** 0: the same, 1: it differs, 2 and more: it cannot be said. */
export const diff = (ctx: Context): Promise<number> =>
  withClient(ctx, async ({ client, namespace }) => {
    const { io, flags } = ctx;
    const loaded = await loadManifests(io, ctx.err, inputsOf(ctx), {
      namespace,
      projectName: flags.str("project-name"),
      envFiles: flags.list("env-file"),
      profiles: flags.list("profile"),
    });
    const { stringify } = await import("yaml");
    const text = (o: object | undefined): string =>
      o === undefined ? "" : stringify(o, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false, sortMapEntries: true });
    const pairs: Pair[] = [];
    for (const l of loaded) {
      const { before, object } = await applyObject<KubeObject>(client, l, { dryRun: true, signal: io.signal });
      const { a, b } = shownPair(before, object, flags.bool("show-secrets"));
      const { name, namespace: ns } = l.manifest.metadata;
      pairs.push({ name: [l.resource.resource, ns, name].filter((part) => part !== undefined).join("."), a: text(a), b: text(b) });
    }
    const different = pairs.filter((p) => p.a !== p.b);
    if (different.length === 0) return EXIT.ok;
    const external = io.env["KUBECTL_EXTERNAL_DIFF"];
    if (external) return runExternal(ctx, external, different);
    for (const p of different)
      io.stdout.write(painted(unifiedDiff(p.a, p.b, { a: p.a === "" ? "/dev/null" : `live/${p.name}`, b: `new/${p.name}` }), ctx.out));
    return EXIT.differs;
  });

const painted = (text: string, s: Style): string =>
  s.color
    ? text
        .split("\n")
        .map((l) =>
          /^(---|\+\+\+) /.test(l)
            ? s.bold(l)
            : l.startsWith("@@")
              ? s.cyan(l)
              : l.startsWith("-")
                ? s.red(l)
                : l.startsWith("+")
                  ? s.green(l)
                  : l,
        )
        .join("\n")
    : text;

/** As kubectl: words of letters, digits, "-", "/", "." and "="; two folders behind them; more than 1 is an error. */
const runExternal = async (ctx: Context, line: string, pairs: readonly Pair[]): Promise<number> => {
  const [command = "", ...args] = line.split(/\s+/).filter((word) => /^[a-zA-Z0-9\-=/._]+$/.test(word));
  const dir = mkdtempSync(join(tmpdir(), "steady-diff-"));
  try {
    const { mkdirSync } = await import("node:fs");
    for (const side of ["live", "new"]) mkdirSync(join(dir, side), { mode: 0o700 });
    for (const p of pairs) {
      if (p.a !== "") writeFileSync(join(dir, "live", p.name), p.a, { mode: 0o600 });
      writeFileSync(join(dir, "new", p.name), p.b, { mode: 0o600 });
    }
    const { spawnSync } = await import("node:child_process");
    const ran = spawnSync(command, [...args, join(dir, "live"), join(dir, "new")], { encoding: "utf8", cwd: ctx.io.cwd });
    if (ran.error) throw new CliError(EXIT.usage, `KUBECTL_EXTERNAL_DIFF: cannot run ${command}: ${errorText(ran.error)}`);
    ctx.io.stdout.write(ran.stdout);
    ctx.io.stderr.write(ran.stderr);
    const code = ran.status ?? 2;
    if (code > 1) throw new CliError(EXIT.failed, `${command} ended with exit code ${code}`);
    return code === 0 ? EXIT.ok : EXIT.differs;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};
