// When the engine starts a container again: `restart`, and what Swarm's `deploy.restart_policy` says of it.
import type { ContainerSpec } from "../fleet.ts";
import type { ComposeDeploy } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";
import { wholeNumber } from "./deploy.ts";
import { normalizeDuration } from "./healthcheck.ts";

type Restart = ContainerSpec["restart"];
type RestartPolicy = ComposeDeploy["restart_policy"];

const RESTARTS = ["no", "always", "on-failure", "unless-stopped"] as const;

const parseRestart = (restart: string | boolean, field: Field): Restart | undefined => {
  // `restart: ${RESTART}` without a value says nothing, as in Compose.
  if (restart === "") return undefined;
  if (restart === false) {
    field.warn('the boolean false is read as "no": YAML 1.1 programs such as kubectl read a bare no as false; quote it: restart: "no"');
    return { policy: "no" };
  }
  const match = /^\s*([a-z-]+)(?:\s*:\s*(\d{1,9}))?\s*$/.exec(String(restart));
  const policy = RESTARTS.find((word) => word === match?.[1]);
  if (!policy || (match?.[2] !== undefined && policy !== "on-failure")) {
    const guess = typeof restart === "string" ? field.guess(restart, RESTARTS) : "";
    const message = `must be no, always, on-failure, on-failure:<times> or unless-stopped; got ${show(restart)}${guess}`;
    field.problem("NotSupported", message, variableHelp(String(restart)));
    return { policy: "no" };
  }
  const maxRetries = match?.[2] === undefined ? 0 : Number(match[2]);
  return { policy, ...(maxRetries > 0 ? { maxRetries } : {}) };
};

const CONDITIONS = {
  none: "no",
  no: "no",
  "on-failure": "on-failure",
  any: "always",
  always: "always",
  "unless-stopped": "unless-stopped",
} as const;

/** undefined: it says nothing of when. */
const parsePolicy = (policy: RestartPolicy, field: Field): Restart | undefined => {
  if (!policy) return undefined;
  const { condition, delay, window } = policy;
  for (const [key, value] of [
    ["delay", delay],
    ["window", window],
  ] as const) {
    if (value === undefined) continue;
    normalizeDuration(value, field.at(key));
    field
      .at(key)
      .warn("is not followed: the engine waits 100ms before the first restart and twice as long before each further one, up to a minute");
  }
  const attempts = wholeNumber(policy.max_attempts, 0, field.at("max_attempts"), 1_000_000) ?? 0;
  if (condition === undefined && policy.max_attempts === undefined) return undefined;
  // Swarm's condition where none is given is any; with a number of attempts only failures can be meant here.
  const mapped = CONDITIONS[condition ?? (attempts > 0 ? "on-failure" : "any")];
  if (attempts > 0 && mapped !== "on-failure") {
    field
      .at("max_attempts")
      .warn(`has no effect with the condition ${show(condition ?? "any")}: the engine counts attempts of on-failure only`);
  }
  return { policy: mapped, ...(attempts > 0 && mapped === "on-failure" ? { maxRetries: attempts } : {}) };
};

const said = ({ policy, maxRetries }: Restart): string => (maxRetries ? `${policy}:${maxRetries}` : policy);

/**
 * What the service says, in `restart` or in `deploy.restart_policy`; undefined: nothing.
 * @param field of the service
 */
export const normalizeRestart = (restart: string | boolean | undefined, policy: RestartPolicy, field: Field): Restart | undefined => {
  const own = restart === undefined ? undefined : parseRestart(restart, field.at("restart"));
  const deployed = parsePolicy(policy, field.at("deploy", "restart_policy"));
  if (own && deployed && said(own) !== said(deployed)) {
    // As in Compose.
    field.at("restart").warn(`\`deploy.restart_policy\` counts, which says ${said(deployed)}; ${said(own)} has no effect`);
  }
  return deployed ?? own;
};
