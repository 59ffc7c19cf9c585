// Codes of problems, for searching and for docs/errors.md.

import { IMAGE_PROBLEMS } from "../../schemas/image-problems.ts";

export const CODES = {
  SF1000: ["The text is not YAML, or too large", "Correct the line shown. Bounds: 1 MiB, 64 levels, 50,000 entries."],
  SF1002: ["A key appears twice", "Remove one: YAML parsers disagree about which one wins."],
  SF1101: ["A field that does not exist", "Mostly a slip of the fingers; the message suggests what is near."],
  SF1102: ["A value that is not one of those allowed", "Choose one of the values listed."],
  SF1103: ["Accepted, but it may not mean what was meant", "Quote it, or do as the message says. Only a warning."],
  SF1104: ["A value of another type", "Lists begin with `-` or `[`, maps have `key: value` lines, texts may need quotes."],
  SF1105: ["A value that is not valid here", "The message says what is expected."],
  SF1107: ["Nothing to read", "The file is empty, or holds only comments."],
  SF1108: ["One object is given twice", "Remove one, or apply the files one by one."],
  SF1109: ["Something required is missing", "Add it."],
  SF1111: ["Not allowed here", "The message says why."],
  SF1201: [
    "A Compose key that is not supported",
    "Nothing is ignored in silence: take it out, or do what the help line says. docs/compose.md lists all keys.",
  ],
  SF1203: [
    "A variable without a value",
    "As in Compose an empty text stands in, with a warning; `${NAME:?message}` makes it an error. Export it, put it into `.env`, or give a default: `${NAME:-default}`.",
  ],
  SF1205: ["A variable that cannot be read", "Write `$$` for a dollar sign; close `${` by `}`."],
  SF1206: ["Two files say one key in forms that cannot be merged", "Write both in one form, or put `!override` before the later value."],
  SF1207: ["A path of Windows", "Nodes run Linux: write an absolute path of the node, or one relative to the file."],
  SF1208: [
    "A file that cannot be read",
    "Compose files, files of variables, configs and secrets are read where the command runs, before anything is sent.",
  ],
  SF1209: ["A circle of `extends` or `include`", "Take out one of the steps that the message names."],
  SF1210: ["`extends` names a service that does not exist", "It must stand in the same file, or in the one that `file` names."],
  SF1211: ["An included file and this one say different things of one name", "Rename one, or put the change into compose.override.yaml."],
  SF1212: ["A line of a file of variables that cannot be read", "Lines are `NAME=value`; quotes must be closed."],
  SF1213: [
    "Profiles",
    "Services that have profiles are taken only with `--profile NAME` or COMPOSE_PROFILES, or when another service needs them. Only a warning.",
  ],
  SF1214: ["Declared and used by nobody", "Remove it, or name it in a service. Only a warning."],
  SF1215: ["Taken, though Compose would refuse it", "The message says what is made of it. Only a warning."],
} as const;

export type Code = keyof typeof CODES;

/** docs/errors.md */
export const errorsReference = (): string =>
  [
    "# Problems of manifests",
    "",
    "What is wrong with a file is shown with a code, the place, the line, and what to do; all problems at once, and nothing is sent. This page is written from the code; a test keeps it up to date.",
    "",
    ...Object.entries(CODES).flatMap(([code, [title, advice]]) => [`## ${code}`, "", `${title}. ${advice}`, ""]),
    "# Images that do not come",
    "",
    "A pod's reason, in `steady status` and `kubectl describe pod`, with the engine's own words behind it. What is asked again by itself is; what only a person can change is asked again, too, every 20 s at first and every 10 min in the end, and at once when the image comes to the node in another way or the service changes.",
    "",
    "| reason | what to do | again |",
    "|---|---|---|",
    ...IMAGE_PROBLEMS.map(
      (p) =>
        `| \`${p.reason}\` | ${p.advice} | ${p.permanent ? "20 s to 10 min" : p.reason === "RegistryRateLimited" ? "1 to 30 min, or when the registry says" : "1 s to 5 min"} |`,
    ),
    "",
  ].join("\n");
