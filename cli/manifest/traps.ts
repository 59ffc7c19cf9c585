// Where YAML 1.1 (kubectl) and YAML 1.2 (this program) read the same text differently.
import { isScalar, LineCounter, type Pair, parseAllDocuments, Scalar, visit } from "yaml";
import type { Problem } from "./problem.ts";

const WORDS = /^(y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/;
const TRUE = /^(y|yes|on)$/i;
/** Whether it is worth a second look. */
const SUSPECT = /[:\-,[]\s+(?:[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|[-+]?0[0-7_]+|[-+]?[1-9][\d]*_[\d_]*)\s*(?:[,\]}#]|$)/m;

/** Warnings, one for each plain scalar that kubectl would send as something else. `text` has been read without a problem before. */
export const yamlTraps = (file: string, text: string): Problem[] => {
  if (!SUSPECT.test(text)) return [];
  const problems: Problem[] = [];
  const lineCounter = new LineCounter();
  for (const doc of parseAllDocuments(text, { lineCounter, uniqueKeys: false, logLevel: "silent", prettyErrors: false }))
    visit(doc, {
      Scalar(place, node, parents) {
        // Block texts are the same in both.
        if (node.type !== Scalar.PLAIN || node.source === undefined || place === "key") return;
        const parent = parents.at(-1) as Pair | undefined;
        const key = parent && "key" in parent && isScalar(parent.key) ? `${String(parent.key.value)}: ` : "- ";
        const trap = trapOf(node.source, node.value);
        if (trap === undefined) return;
        const { line, col } = lineCounter.linePos(node.range?.[0] ?? 0);
        const message = `${key}${node.source} is ${trap.here} here; YAML 1.1 tools (kubectl) read it as ${trap.there}`;
        problems.push({
          severity: "warning",
          code: "SF1103",
          message,
          file,
          line,
          column: col,
          length: node.source.length,
          help: `quote it: ${key}"${node.source}"`,
        });
      },
    });
  return problems;
};

const trapOf = (text: string, value: unknown): { here: string; there: string } | undefined => {
  if (WORDS.test(text) && typeof value === "string") return { here: "a text", there: String(TRUE.test(text)) };
  if (/^[-+]?0[0-7_]+$/.test(text) && typeof value === "number")
    return { here: `the number ${Number(text)}`, there: `octal, ${Number.parseInt(text.replaceAll("_", ""), 8)}` };
  if (/^[-+]?[1-9][0-9]*_[0-9_]*$/.test(text)) return { here: "a text", there: `the number ${text.replaceAll("_", "")}` };
  return undefined;
};
