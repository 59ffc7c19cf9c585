// Where YAML 1.1 (kubectl) and YAML 1.2 (this program) read the same text differently.
import { isScalar, type Pair, Scalar, visit } from "yaml";
import type { Problem } from "./problem.ts";
import type { Source } from "./source.ts";

const WORDS = /^(y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/;
const TRUE = /^(y|yes|on)$/i;

/** Warnings, one for each plain scalar that kubectl would send as something else. */
export const yamlTraps = (source: Source): Problem[] => {
  const problems: Problem[] = [];
  const warn = (node: Scalar, message: string, help: string): void => {
    const { line, col } = source.counter.linePos(node.range?.[0] ?? 0);
    problems.push({
      severity: "warning",
      code: "SF1103",
      message,
      file: source.file,
      line,
      column: col,
      length: node.source?.length ?? 1,
      help,
    });
  };
  visit(source.doc, {
    Scalar(place, node, parents) {
      // Merge keys and block texts are the same in both.
      if (node.type !== Scalar.PLAIN || node.source === undefined || place === "key") return;
      const parent = parents.at(-1) as Pair | undefined;
      const key = parent && "key" in parent && isScalar(parent.key) ? String(parent.key.value) : "value";
      const text = node.source;
      const help = `quote it: ${key}: "${text}"`;
      if (WORDS.test(text) && typeof node.value === "string")
        warn(node, `${key}: a bare ${text} is read as text here; YAML 1.1 tools (kubectl) read it as ${TRUE.test(text)}`, help);
      else if (/^[-+]?0[0-7_]+$/.test(text) && typeof node.value === "number")
        warn(
          node,
          `${key}: ${text} is the number ${Number(text)} here; YAML 1.1 tools (kubectl) read it as octal, ${Number.parseInt(text.replaceAll("_", ""), 8)}`,
          help,
        );
      else if (/^[-+]?[1-9][0-9]*_[0-9_]*$/.test(text))
        warn(node, `${key}: ${text} is text here; YAML 1.1 tools (kubectl) read it as the number ${text.replaceAll("_", "")}`, help);
    },
  });
  return problems;
};
