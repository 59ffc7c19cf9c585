// npm run compose-corpus -- DIR: for each Compose file below a folder, what is parsed, refused, warned about, and dropped in silence (nothing).
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Options, type Outcome, Subject } from "./corpus/assess.ts";
import { silentDrops } from "./corpus/drops.ts";
import { type Found, findProjects } from "./corpus/find.ts";

const USAGE = `npm run compose-corpus -- DIR [options]
  --env NAME=VALUE  a variable; repeatable
  --strict          as \`steady up\` takes it: variables without a value are empty, missing files of variables, configs and secrets are
                    refused (default: something that fits stands in, and missing files are empty, with a warning)
  --quiet           only files that are refused, or from which something is dropped
  --no-drops        do not look for what is dropped`;

export interface Row {
  name: string;
  refusals: string[];
  warnings: string[];
  dropped: string[];
}

const ALL = ["*"];

/** @param drops whether to look for what is dropped */
export const examine = (found: Found, options: Options, drops = true): { row: Row; paths: string[] } => {
  const subject = new Subject(found, options);
  const plain = subject.assess([]);
  const full = subject.assess(ALL);
  // Whoever runs it without a profile gets no service: then all of them are meant.
  const judged: Outcome = plain.services.size === 0 || (plain.refusals.length > 0 && full.refusals.length === 0) ? full : plain;
  // Services that exclude one another are looked at profile by profile.
  const sets = full.refusals.length === 0 ? [ALL] : plain.refusals.length === 0 ? [[], ...subject.profiles().map((p) => [p])] : [];
  const dropped = drops ? silentDrops(subject, sets) : [];
  const warnings = judged.warnings.map((w) => (w.path && !w.message.startsWith(w.path) ? `${w.path}: ${w.message}` : w.message));
  return { row: { name: found.name, refusals: judged.refusals, warnings, dropped }, paths: subject.paths };
};

/** All projects below a folder; files that another one extends or includes are no projects of their own. */
export const examineAll = (root: string, options: Options, o: { drops?: boolean; onRow?: (row: Row) => void } = {}): Row[] => {
  const found = findProjects(root);
  const parts = new Set(
    found.flatMap((f) => {
      const { paths } = examine(f, options, false);
      return paths.filter((path) => !f.files.includes(path));
    }),
  );
  return found
    .filter((f) => !parts.has(f.files[0] as string))
    .map((f) => {
      const { row } = examine(f, options, o.drops ?? true);
      o.onRow?.(row);
      return row;
    });
};

/** `files N, parsed N, refused N, warnings N, silently dropped N` */
export const lastLine = (rows: readonly Row[]): string => {
  const refused = rows.filter((r) => r.refusals.length > 0).length;
  const sum = (of: (r: Row) => readonly unknown[]): number => rows.reduce((n, r) => n + of(r).length, 0);
  return `files ${rows.length}, parsed ${rows.length - refused}, refused ${refused}, warnings ${sum((r) => r.warnings)}, silently dropped ${sum((r) => r.dropped)}`;
};

const show = (row: Row): string => {
  const word = row.dropped.length > 0 ? "DROPPED" : row.refusals.length > 0 ? "refused" : "parsed";
  return [
    `${word} ${row.name}  warnings ${row.warnings.length}`,
    ...row.refusals.map((r) => `    refused: ${r}`),
    ...row.dropped.map((d) => `    dropped in silence: ${d}`),
    ...row.warnings.map((w) => `    warning: ${w}`),
  ].join("\n");
};

const main = (): void => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      env: { type: "string", multiple: true, default: [] },
      strict: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
      "no-drops": { type: "boolean", default: false },
    },
  });
  const [root, ...more] = positionals;
  if (root === undefined || more.length > 0) throw new Error(USAGE);
  const env = Object.fromEntries(values.env.map((pair) => [pair.split("=")[0] ?? "", pair.split("=").slice(1).join("=")]));
  const rows = examineAll(
    resolve(root),
    { env, strict: values.strict },
    {
      drops: !values["no-drops"],
      onRow: (row) => {
        if (!values.quiet || row.refusals.length > 0 || row.dropped.length > 0) process.stdout.write(`${show(row)}\n`);
      },
    },
  );
  process.stdout.write(`${lastLine(rows)}\n`);
  if (rows.some((r) => r.dropped.length > 0)) process.exitCode = 1;
};

if (import.meta.url === `file://${process.argv[1]}`) main();
