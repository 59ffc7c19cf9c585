// How many, where, and with what limits.
import type { ContainerSpec } from "../fleet.ts";
import { labelValueProblem, qualifiedNameProblem } from "../labels.ts";
import { parseBytes, parseCpus } from "../quantity.ts";
import type { ComposeDeploy, ComposeLimits } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";
import type { Constraint } from "./normal.ts";

/** The engine refuses less. Source: moby, linuxMinMemory. */
const LEAST_MEMORY = 6 * 1024 * 1024;

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

const normalizeLimits = (limits: ComposeLimits | undefined, field: Field): ContainerSpec["limits"] => {
  const cpus = limits?.cpus === undefined ? undefined : parseCpus(limits.cpus);
  if (limits?.cpus !== undefined && cpus === undefined) {
    field
      .at("cpus")
      .problem(
        "Invalid",
        `must be a number of cores such as 0.5, at least 0.01; got ${show(limits.cpus)}`,
        variableHelp(String(limits.cpus)),
      );
  }
  const memoryBytes = limits?.memory === undefined ? undefined : parseBytes(limits.memory);
  if (limits?.memory !== undefined && (memoryBytes === undefined || memoryBytes < LEAST_MEMORY)) {
    field
      .at("memory")
      .problem("Invalid", `must be a size such as 512M, at least 6M; got ${show(limits.memory)}`, variableHelp(String(limits.memory)));
  }
  return { ...(cpus === undefined ? {} : { cpus }), ...(memoryBytes === undefined ? {} : { memoryBytes }) };
};

export interface Deployment {
  mode: "replicated" | "global";
  replicas: number;
  constraints: Constraint[];
  limits: ContainerSpec["limits"];
}

export const normalizeDeploy = (deploy: ComposeDeploy | undefined, field: Field): Deployment => {
  const mode = deploy?.mode ?? "replicated";
  if (mode === "global" && deploy?.replicas !== undefined) {
    field.at("replicas").keyProblem("Forbidden", "a global service has one pod on each node", "Remove `replicas`, or `mode: global`.");
  }
  const constraints = (deploy?.placement?.constraints ?? []).flatMap((text, i) => {
    const constraint = parseConstraint(text, field.at("placement", "constraints", i));
    return constraint ? [constraint] : [];
  });
  return {
    mode,
    replicas: mode === "global" ? 1 : (deploy?.replicas ?? 1),
    constraints,
    limits: normalizeLimits(deploy?.resources?.limits, field.at("resources", "limits")),
  };
};
