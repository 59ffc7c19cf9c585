// docs/compose.md: what becomes of each key of a Compose file, from the schema that judges it, so that it cannot be out of date.
import type { JsonSchema } from "../../schemas/load.ts";
import { follow, type Located, typesOf } from "../../schemas/walk.ts";
import { nameTypes } from "../../schemas/words.ts";

const INTRO = `# Compose, key by key

<!-- Generated from schemas/compose.json by \`npm run generate\`. Do not edit. -->

The \`spec\` of a Stack is a Compose document, and \`steady up\` takes a bare Compose file. Each of its keys is *supported*, supported *with a
difference*, or *refused*; none is dropped in silence:

- **Supported**: as the Compose Specification says, in its short and long forms. The value reaches the container, the network, the volume or
  the plan.
- **With a difference**: accepted, and the sentence after "Here:" holds instead. Where the value matters, a warning says so: kubectl and
  \`steady\` print it.
- **Refused**: with the key's path, the reason, and what to do instead, before anything is touched.

A key that is in none of the tables is refused as unknown, with a guess at what was meant. Keys that begin with \`x-\` are kept and not read;
what Compose has no word for lies under \`x-steadfleet\`.

Some keys name files of the machine that you type on, or depend on its environment: \`extends\`, \`include\`, \`env_file\`, \`label_file\`,
\`profiles\`, \`file\` and \`environment\` of configs and secrets, variables (\`\${NAME}\`), relative paths. \`steady up\`, \`steady apply\` and
\`steady convert\` settle them before they send the Stack; the server, which has none of these files, refuses them. In the tables they are
"by \`steady\`".

Where the engine's defaults differ from what is usual in a fleet, the description gives the default here. The most notable: \`restart\` is
\`unless-stopped\` unless said otherwise, and \`depends_on\` holds at start, update and repair.
`;

/** Maps with declared keys at or below a value, with what leads there: `[]` through a list, `.<name>` through a map. */
const mapsIn = (at: Located, path: string): [string, Located][] => {
  const found = follow(at);
  const { schema, base } = found;
  const below = (child: JsonSchema, more: string): [string, Located][] => mapsIn({ schema: child, base }, path + more);
  return [
    ...(schema.properties ? [[path, found] satisfies [string, Located]] : []),
    ...(schema.anyOf ?? []).flatMap((branch) => below(branch, "")),
    ...(schema.items ? below(schema.items, "[]") : []),
    ...(typeof schema.additionalProperties === "object" ? below(schema.additionalProperties, ".<name>") : []),
  ];
};

interface Row {
  key: string;
  state: "supported" | "difference" | "settled" | "refused";
  type: string;
  text: string;
}
interface Section {
  paths: string[];
  title: string;
  text: string;
  rows: Row[];
}

const rowsOf = ({ schema, base }: Located): Row[] => {
  const known = Object.entries(schema.properties ?? {}).map(([key, value]): Row => {
    const target = follow({ schema: value, base }).schema;
    const description = value.description ?? target.description ?? "";
    const difference = value["x-difference"] ?? target["x-difference"];
    const needs = Object.entries(value["x-needs"] ?? {}).map(([other, help]) => `Refused without \`${other}\`: ${help}`);
    const values = target.enum ? Object.entries(target["x-not-supported"] ?? {}) : [];
    const refusals = values.map(([refusal, help]) => `Refused: \`${refusal}\`. ${help}`);
    const type = nameTypes(typesOf({ schema: value, base }).filter((t) => t !== "null"));
    const text = [description, ...(difference ? [`**Here:** ${difference}`] : []), ...needs, ...refusals].join(" ");
    return { key, state: difference ? "difference" : "supported", type, text };
  });
  const refused = Object.entries(schema["x-not-supported"] ?? {}).map(([key, text]): Row => {
    // What the command line does itself, the help says.
    const state = /`steady (up|apply)/.test(text) ? "settled" : "refused";
    return { key, state, type: "", text };
  });
  return [...known, ...refused].toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
};

/** Every map of the document with its keys, each once, outermost first. */
const sectionsOf = (root: Located): Section[] => {
  const found = new Map<JsonSchema, Section>();
  const visit = (path: string, at: Located): void => {
    const known = found.get(at.schema);
    if (known) {
      known.paths.push(path);
      return;
    }
    const { title = "", description: text = "" } = at.schema;
    found.set(at.schema, { paths: [path], title, text, rows: rowsOf(at) });
    for (const [key, value] of Object.entries(at.schema.properties ?? {})) {
      for (const [below, map] of mapsIn({ schema: value, base: at.base }, path === "" ? key : `${path}.${key}`)) visit(below, map);
    }
  };
  visit("", root);
  return [...found.values()];
};

const STATES = { supported: "supported", difference: "difference", settled: "by `steady`", refused: "**refused**" } as const;
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

const show = (section: Section): string => {
  const [path = "", ...others] = section.paths;
  const name = path === "" ? "## Top level" : `${path === "services.<name>" ? "##" : "###"} \`${path}\``;
  const also = others.length > 0 ? ` Also at ${others.map((p) => `\`${p}\``).join(", ")}.` : "";
  const rows = section.rows.map((r) => `| \`${r.key}\` | ${STATES[r.state]} | ${cell(r.type)} | ${cell(r.text)} |`);
  return `${name}\n\n${section.text}${also}\n\n| key | | type | |\n|---|---|---|---|\n${rows.join("\n")}\n`;
};

/** The whole document. `compose`: schemas/compose.json. */
export const composeDoc = (compose: JsonSchema): string => {
  const sections = sectionsOf({ schema: compose, base: "compose" });
  const all = sections.flatMap((s) => s.rows);
  const count = (state: Row["state"]): number => all.filter((r) => r.state === state).length;
  const summary =
    `${all.length} keys in ${sections.length} places: ${count("supported")} are supported, ` +
    `${count("difference")} with a difference, ${count("settled")} are settled by \`steady\`, ${count("refused")} are refused.`;
  return `${INTRO}\n${summary}\n\n${sections.map(show).join("\n")}`;
};
