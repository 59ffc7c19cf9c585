// One `deploy.placement.constraints` entry.
import { labelValueProblem, qualifiedNameProblem } from "../labels.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";
import type { Constraint } from "./normal.ts";

/** Swarm's words for what are labels here. */
const AS_LABEL: Record<string, string> = {
  "node.platform.os": "node.labels.kubernetes.io/os",
  "node.platform.arch": "node.labels.kubernetes.io/arch",
  "node.id": "node.hostname",
};

const unknownKey = (key: string, field: Field): void => {
  const instead = AS_LABEL[key];
  const help = key.startsWith("engine.labels.")
    ? `Set a label on the node, and use \`node.labels.${key.slice("engine.labels.".length)}\`.`
    : "Known are `node.hostname` and `node.labels.<name>`.";
  const guess = instead ? `; use ${instead}` : field.guess(key, ["node.hostname", "node.labels"]);
  field.problem("NotSupported", `constraints on ${show(key)} are not supported${guess}`, instead ? undefined : help);
};

/** `node.labels.disk==ssd` */
export const parseConstraint = (text: string, field: Field): Constraint | undefined => {
  const match = /^\s*([^=!\s]+)\s*(==|!=|=)\s*(\S*)\s*$/.exec(text);
  if (!match) {
    field.problem("Invalid", `${show(text)} is no constraint; expected, for example, node.labels.disk==ssd`, variableHelp(text));
    return undefined;
  }
  const [, key = "", operator = "", value = ""] = match;
  if (operator === "=") {
    field.problem("Invalid", `${show(text)}: "=" is no operator; did you mean "=="?`);
    return undefined;
  }
  const op = operator === "!=" ? "!=" : "==";
  if (key === "node.hostname") {
    if (value !== "") return { text, key: { type: "hostname" }, operator: op, value };
    field.problem("Invalid", `${show(text)}: the name of a node is missing`);
    return undefined;
  }
  if (!key.startsWith("node.labels.")) {
    unknownKey(key, field);
    return undefined;
  }
  const name = key.slice("node.labels.".length);
  const problem = qualifiedNameProblem(name) ?? labelValueProblem(value);
  if (problem) {
    field.problem("Invalid", `${show(text)} can match no node: ${problem}`, variableHelp(text));
    return undefined;
  }
  return { text, key: { type: "label", name }, operator: op, value };
};
