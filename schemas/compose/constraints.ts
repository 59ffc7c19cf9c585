// One `deploy.placement.constraints` entry.
import { labelValueProblem, qualifiedNameProblem } from "../labels.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";
import type { Constraint } from "./normal.ts";

/** Swarm's words for what every node has as a label here. */
const AS_LABEL: Record<string, string> = { "node.platform.os": "kubernetes.io/os", "node.platform.arch": "kubernetes.io/arch" };
/** Swarm's names of architectures, which are the kernel's, in the label's words. */
const ARCHITECTURES: Record<string, string> = { x86_64: "amd64", aarch64: "arm64", armv7l: "arm" };

const unknownKey = (key: string, field: Field): void => {
  const instead = key === "node.id" ? "node.hostname" : undefined;
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
  if (key === "node.role") {
    field.warn(`${show(text)} holds on every node: nodes have no roles here; to choose nodes, use labels`);
    return undefined;
  }
  const label = AS_LABEL[key];
  if (label !== undefined) return { text, key: { type: "label", name: label }, operator: op, value: ARCHITECTURES[value] ?? value };
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
