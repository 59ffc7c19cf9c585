// Checks the walls of the house: who may import whom, which room may speak to which outside system, who may ask the machine for time or
// environment, and how long a file may be.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOMS = ["schemas", "store", "api", "controller", "node-agent", "cli", "dashboard"] as const;
type Room = (typeof ROOMS)[number];

/** Which other rooms a room may import. The command line starts processes by `import()`, so that a client loads none of them. */
const MAY_IMPORT: Record<Room, Room[]> = {
  schemas: [],
  store: ["schemas"],
  api: ["schemas", "store"],
  controller: ["schemas", "store"],
  "node-agent": ["schemas", "store"],
  cli: ["schemas"],
  dashboard: ["schemas"],
};
const LAZILY: Partial<Record<Room, Room[]>> = { cli: ["store", "api", "controller", "node-agent"] };

/** Deciding is pure: the API runs these for dry runs. */
const PURE = /^((controller|node-agent)\/(.*\/)?(plan|compile|place|status|rollout)[\w-]*|node-agent\/plan\/[\w-]+)\.ts$/;

/** Packages that only one place may import. */
const OUTSIDE: { packages: RegExp; only: RegExp; what: string }[] = [
  { packages: /^(etcd3|@grpc\/)/, only: /^store\//, what: "etcd is spoken to in store/ only" },
  { packages: /^dockerode$/, only: /^node-agent\/docker\.ts$/, what: "Docker is spoken to in node-agent/docker.ts only" },
  { packages: /^@?koa(\/|$)/, only: /^api\//, what: "koa is known in api/ only" },
];

/** Globals that product code gets handed in. */
const GLOBALS: { pattern: RegExp; except: RegExp; what: string }[] = [
  { pattern: /\bprocess\.env\b/, except: /^cli\//, what: "only the command line reads the environment: take it as an argument" },
  {
    pattern:
      /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(|\bAbortSignal\.timeout\(|\brandomUUID\b|["']node:timers/,
    except: /^(store\/env\.ts$|cli\/)/,
    what: "time, timers and ids come from Env (store/env.ts)",
  },
];

const roomOf = (file: string): Room | undefined => ROOMS.find((room) => file.startsWith(`${room}/`));
const isTest = (file: string): boolean => /\.(test|contract)\.tsx?$|\/testing\//.test(file);

/** A longer file is usually two things. */
const MAX_LINES = 400;
const GENERATED = /^schemas\/types\.ts$/;

export interface Breach {
  file: string;
  line: number;
  message: string;
}

/** `file` is relative to the top, with "/". Looks at product code and its tests; tests may use whatever the whole house may. */
export function breaches(file: string, source: string): Breach[] {
  const room = roomOf(file);
  if (room === undefined) return [];
  const found: Breach[] = [];
  const text = withoutComments(source);
  const lines = text.split("\n");
  const at = (index: number): number => text.slice(0, index).split("\n").length;
  for (const match of text.matchAll(/(\bfrom\s*|\bimport\s*|\bimport\s*\(\s*|\brequire\s*\(\s*)["']([^"'\n]+)["']/g)) {
    const message = importBreach(file, room, match[2] ?? "", (match[1] ?? "").includes("("));
    if (message) found.push({ file, line: at(match.index), message });
  }
  const length = source.trimEnd().split("\n").length;
  if (!isTest(file) && !GENERATED.test(file) && length > MAX_LINES)
    found.push({ file, line: MAX_LINES, message: `${length} lines, at most ${MAX_LINES}: which two things is it?` });
  if (!isTest(file)) {
    for (const { pattern, except, what } of GLOBALS) {
      if (except.test(file)) continue;
      for (const [i, line] of lines.entries())
        if (pattern.test(line)) found.push({ file, line: i + 1, message: `${pattern.exec(line)?.[0]}: ${what}` });
    }
  }
  return found.toSorted((a, b) => a.line - b.line);
}

function importBreach(file: string, room: Room, specifier: string, lazy: boolean): string | undefined {
  if (!specifier.startsWith(".")) {
    const outside = OUTSIDE.find(({ packages, only }) => packages.test(specifier) && !only.test(file));
    return outside && !(isTest(file) && room === "store") ? `${specifier}: ${outside.what}` : undefined;
  }
  const target = posix.join(posix.dirname(file), specifier);
  const other = roomOf(target);
  if (other === undefined) {
    if (isTest(file) || /^(package|examples)/.test(target)) return undefined;
    return `${specifier}: product code imports nothing outside its rooms`;
  }
  if (other === room || isTest(file) || MAY_IMPORT[room].includes(other)) return undefined;
  if (lazy && LAZILY[room]?.includes(other)) return undefined;
  if (target === "store/env.ts" && room !== "schemas") return undefined;
  if (room === "api" && PURE.test(target)) return undefined;
  return `${specifier}: ${room}/ may import ${MAY_IMPORT[room].join(", ") || "no other room"}, not ${other}/`;
}

/** Comments become blanks, so that line numbers stay. `//` within a string follows a colon in practice (URLs). */
const withoutComments = (source: string): string =>
  source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|[^:"'`\\])\/\/.*$/gm, (_, before: string) => before);

function* sources(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts")) yield path;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const top = dirname(dirname(fileURLToPath(import.meta.url)));
  const files = ROOMS.map((room) => join(top, room))
    .filter((dir) => existsSync(dir))
    .flatMap((dir) => [...sources(dir)]);
  const all = files.flatMap((path) => breaches(relative(top, path).replaceAll("\\", "/"), readFileSync(path, "utf8")));
  for (const { file, line, message } of all) process.stderr.write(`${file}:${line}: ${message}\n`);
  if (all.length > 0) process.exit(1);
}
