// How many, where, with what limits, and how it is changed.
import type { DeviceRequest, Limits } from "../fleet.ts";
import { parseBytes, parseCpus } from "../quantity.ts";
import type { ComposeDeploy, ComposeLimits, ComposeReservations, ComposeUpdateConfig } from "../types.ts";
import { show } from "../words.ts";
import { parseConstraint } from "./constraints.ts";
import { type Field, variableHelp } from "./context.ts";
import { normalizeDeviceRequests } from "./devices.ts";
import { normalizeDuration } from "./healthcheck.ts";
import type { Constraint, NormalService } from "./normal.ts";

/** The engine refuses less. Source: moby, linuxMinMemory. */
const LEAST_MEMORY = 6 * 1024 * 1024;
/** As many as a service may have pods. */
export const MAX_REPLICAS = 1000;

/** A number, or its text. undefined: it is none, and that is reported. */
export const wholeNumber = (value: number | string | undefined, least: number, field: Field, most = MAX_REPLICAS): number | undefined => {
  if (value === undefined) return undefined;
  const number = typeof value === "number" ? value : /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  field.problem("Invalid", `must be a number from ${least} to ${most}; got ${show(value)}`, variableHelp(String(value)));
  return undefined;
};

const coresOf = (cpus: string | number | undefined, field: Field): number | undefined => {
  const cores = cpus === undefined ? undefined : parseCpus(cpus);
  if (cpus !== undefined && cores === undefined && Number(cpus) !== 0) {
    field.problem("Invalid", `must be a number of cores such as 0.5, at least 0.01; got ${show(cpus)}`, variableHelp(String(cpus)));
  }
  return cores;
};

const memoryOf = (memory: string | number | undefined, field: Field): number | undefined => {
  const bytes = memory === undefined ? undefined : parseBytes(memory);
  // 0 is the engine's word for no limit.
  if (bytes === 0) return undefined;
  if (memory !== undefined && (bytes === undefined || bytes < LEAST_MEMORY)) {
    field.problem("Invalid", `must be a size such as 512M, at least 6M; got ${show(memory)}`, variableHelp(String(memory)));
  }
  return bytes;
};

const normalizeLimits = (limits: ComposeLimits | undefined, field: Field): Limits => {
  const cpus = coresOf(limits?.cpus, field.at("cpus"));
  const memoryBytes = memoryOf(limits?.memory, field.at("memory"));
  const pids = limits?.pids;
  if (pids !== undefined && (!Number.isSafeInteger(pids) || pids < -1)) {
    field.at("pids").problem("Invalid", `must be a number of processes, or -1 for no limit; got ${show(pids)}`);
  }
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(pids === undefined || pids < 1 ? {} : { pids }),
  };
};

type Reserved = Pick<Deployment, "reservations" | "deviceRequests"> & { memoryReservationBytes?: number };

const normalizeReservations = (reservations: ComposeReservations | undefined, limits: Limits, field: Field): Reserved => {
  if (!reservations) return {};
  const { cpus: cores, memory, devices, generic_resources: generic, pids } = reservations;
  const cpus = coresOf(cores, field.at("cpus"));
  const memoryBytes = memoryOf(memory, field.at("memory"));
  if (cpus !== undefined && limits.cpus !== undefined && cpus > limits.cpus) field.at("cpus").problem("Invalid", "is more than the limit");
  if (memoryBytes !== undefined && limits.memoryBytes !== undefined && memoryBytes > limits.memoryBytes) {
    field.at("memory").problem("Invalid", "is more than the limit");
  }
  if (cpus !== undefined) field.at("cpus").warn("nodes are chosen without counting reservations; to choose nodes, use constraints");
  if (memoryBytes !== undefined) {
    field.at("memory").warn("nodes are chosen without counting reservations; the engine keeps to it when the node is short of memory");
  }
  if (pids !== undefined) field.at("pids").warn("has no effect: no system reserves processes");
  if (generic && generic.length > 0)
    field.at("generic_resources").warn("has no effect: nodes declare none; to choose nodes, use labels and constraints");
  const deviceRequests = normalizeDeviceRequests(devices, field.at("devices"));
  return {
    ...(cpus === undefined && memoryBytes === undefined
      ? {}
      : { reservations: { ...(cpus === undefined ? {} : { cpus }), ...(memoryBytes === undefined ? {} : { memoryBytes }) } }),
    ...(memoryBytes === undefined ? {} : { memoryReservationBytes: memoryBytes }),
    ...(deviceRequests.length > 0 ? { deviceRequests } : {}),
  };
};

const ratio = (value: number | string | undefined, field: Field): void => {
  if (value === undefined) return;
  const number = Number(value);
  if (!(number >= 0 && number <= 1)) field.problem("Invalid", `must be from 0 to 1; got ${show(value)}`);
};

/** What of it is as it happens anyway, and what is not followed yet: one line. */
const checkUpdates = (config: ComposeUpdateConfig | undefined, what: "update" | "rollback", field: Field): void => {
  if (!config) return;
  const parallelism = wholeNumber(config.parallelism, 0, field.at("parallelism"));
  if (config.delay !== undefined) normalizeDuration(config.delay, field.at("delay"));
  if (config.monitor !== undefined) normalizeDuration(config.monitor, field.at("monitor"));
  ratio(config.max_failure_ratio, field.at("max_failure_ratio"));
  if (what === "rollback") {
    field.warn(
      "is not followed yet: nothing is rolled back by itself, and `kubectl rollout undo` brings the earlier template back one pod at a time",
    );
    return;
  }
  const { order = "stop-first", failure_action: action = "pause" } = config;
  const rest = Object.keys(config).some((key) => key === "delay" || key === "monitor" || key === "max_failure_ratio");
  if ((parallelism ?? 1) === 1 && order === "stop-first" && action === "pause" && !rest) return;
  field.warn("is not followed yet: pods are replaced one at a time, the old one stopped first, each when the one before is ready");
};

/** What a deployment says beside the service. */
export interface Deployment {
  mode: NormalService["mode"];
  /** Runs to its end. */
  job: boolean;
  replicas: number;
  constraints: Constraint[];
  limits: Limits;
  reservations?: NonNullable<NormalService["reservations"]>;
  deviceRequests?: DeviceRequest[];
}

const checkPlacement = (deploy: ComposeDeploy | undefined, replicas: number, mode: Deployment["mode"], field: Field): void => {
  const { preferences, max_replicas_per_node: most } = deploy?.placement ?? {};
  if (preferences && preferences.length > 0) {
    field.at("preferences").warn("is not followed yet: replicas are spread evenly over all nodes that meet the constraints");
  }
  const perNode = wholeNumber(most, 0, field.at("max_replicas_per_node"));
  if (perNode && mode === "replicated" && replicas > perNode) {
    field.at("max_replicas_per_node").warn("is not followed yet: replicas are spread evenly over the nodes, however many that are on each");
  }
};

/** @param scheduled its `x-steadfleet` has a schedule, which makes it a job where no mode is given */
export const normalizeDeploy = (deploy: ComposeDeploy | undefined, field: Field, scheduled = false): Deployment => {
  const written = deploy?.mode ?? (scheduled ? "replicated-job" : "replicated");
  const mode = written.startsWith("global") ? "global" : "replicated";
  if (mode === "global" && deploy?.replicas !== undefined) {
    field
      .at("replicas")
      .keyProblem("Forbidden", `a ${written} service has one pod on each node`, `Remove \`replicas\`, or \`mode: ${written}\`.`);
  }
  const replicas = mode === "global" ? 1 : (wholeNumber(deploy?.replicas, 0, field.at("replicas")) ?? 1);
  const constraints = (deploy?.placement?.constraints ?? []).flatMap((text, i) => {
    const constraint = parseConstraint(text, field.at("placement", "constraints", i));
    return constraint ? [constraint] : [];
  });
  checkPlacement(deploy, replicas, mode, field.at("placement"));
  checkUpdates(deploy?.update_config, "update", field.at("update_config"));
  checkUpdates(deploy?.rollback_config, "rollback", field.at("rollback_config"));
  if (deploy?.endpoint_mode === "vip") {
    field.at("endpoint_mode").warn("has no effect: the service's name resolves to the addresses of its containers, as with dnsrr");
  }
  const labels = deploy?.labels;
  if (labels && Object.keys(labels).length > 0) {
    field
      .at("labels")
      .warn("has no effect: there is no object of a swarm to carry them; labels of the containers are the service's `labels`");
  }
  const limits = normalizeLimits(deploy?.resources?.limits, field.at("resources", "limits"));
  const { memoryReservationBytes, ...reserved } = normalizeReservations(
    deploy?.resources?.reservations,
    limits,
    field.at("resources", "reservations"),
  );
  return {
    mode,
    job: written.endsWith("-job"),
    replicas,
    constraints,
    limits: { ...limits, ...(memoryReservationBytes === undefined ? {} : { memoryReservationBytes }) },
    ...reserved,
  };
};
