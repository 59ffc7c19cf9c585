// One service of a Compose body, spelled out.
import { constants } from "node:os";
import type { PortSpec } from "../fleet.ts";
import type { ComposeService } from "../types.ts";
import { EXTENSION } from "../constants.ts";
import { subdomainProblem } from "../labels.ts";
import { show } from "../words.ts";
import { normalizeNetworks } from "./attach.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { normalizeCommand } from "./command.ts";
import { impliedDependencies, normalizeMore, withMac } from "./container.ts";
import { type Field, looksUninterpolated, type StackContext, variableHelp } from "./context.ts";
import { type Deployment, normalizeDeploy } from "./deploy.ts";
import { normalizeDependencies } from "./dependencies.ts";
import { normalizeDuration, normalizeHealthcheck } from "./healthcheck.ts";
import { normalizeFiles } from "./files.ts";
import { checkImage } from "./image.ts";
import { jobRestart, normalizeJob } from "./jobs.ts";
import { normalizeLimits } from "./limits.ts";
import { normalizeLinks } from "./links.ts";
import { normalizeMounts } from "./mounts.ts";
import type { NormalService } from "./normal.ts";
import { normalizePorts } from "./ports.ts";
import { normalizePullPolicy } from "./pull.ts";
import { normalizeRestart } from "./restart.ts";
import { normalizeTmpfs } from "./settings.ts";
import { normalizeUnhealthy } from "./unhealthy.ts";
import { normalizeEnvironment, normalizeLabels } from "./values.ts";

/** Compose's default. */
const STOP_GRACE_MS = 10_000;

const normalizeSignal = (signal: string, field: Field): string => {
  const upper = signal.toUpperCase();
  const full = /^\d+$/.test(upper) || upper.startsWith("SIG") ? upper : `SIG${upper}`;
  const known =
    /^([1-9]|[1-5]\d|6[0-4])$/.test(full) || Object.hasOwn(constants.signals, full) || /^SIGRTM(IN|AX)([+-]\d{1,2})?$/.test(full);
  if (!known) {
    const guess = field.guess(full, Object.keys(constants.signals));
    field.problem("Invalid", `${show(signal)} is no signal${guess || ", such as SIGTERM"}`, variableHelp(signal));
  }
  return full;
};

const normalizeCapabilities = (capabilities: readonly string[] | null | undefined, field: Field): string[] => {
  const names = (capabilities ?? []).map((text, i) => {
    const name = text.toUpperCase().replace(/^CAP_/, "");
    if (!CAPABILITIES.has(name)) field.at(i).problem("Invalid", `${show(text)} is no Linux capability${field.guess(name, CAPABILITIES)}`);
    return name;
  });
  return [...new Set(names)].toSorted();
};

/** The ports that are opened on the node: none where the network is the node's own, or there is none. */
const normalizeOpened = (service: SoundService, several: boolean, field: Field): PortSpec[] => {
  const ports = normalizePorts(service.ports ?? [], several, field);
  if (ports.length === 0 || (service.network_mode !== "host" && service.network_mode !== "none")) return ports;
  const instead = service.network_mode === "host" ? "what the program listens at is open on the node as it is" : "there is no network";
  field.warn(`has no effect with \`network_mode: ${service.network_mode}\`: ${instead}`);
  return [];
};

/** `scale` is `deploy.replicas` in one word. */
const normalizeScale = (service: SoundService, deploy: Deployment, field: Field): number => {
  const { scale } = service;
  if (scale === undefined) return deploy.replicas;
  if (deploy.mode === "global") {
    field.at("scale").keyProblem("Forbidden", "a global service has one pod on each node", "Remove `scale`, or `mode: global`.");
  } else if (service.deploy?.replicas !== undefined && deploy.replicas !== scale) {
    field.at("scale").problem("Invalid", `is ${scale} here and ${service.deploy.replicas} in \`deploy.replicas\``, "Remove one of them.");
  }
  return deploy.mode === "global" ? deploy.replicas : scale;
};

/** `{{.Task.Slot}}`, which a swarm fills in. Source: Docker, "docker service create", "Create services using templates". */
const TEMPLATE = /\{\{\s*\.(Service|Node|Task)\./;

const checkTexts = (service: SoundService, field: Field): void => {
  const { working_dir: dir, hostname, domainname } = service;
  if (domainname && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/.test(domainname)) {
    field.at("domainname").problem("Invalid", `${show(domainname)} is no domain`, variableHelp(domainname));
  }
  if (dir && !dir.startsWith("/")) {
    field.at("working_dir").problem("Invalid", `must be an absolute path; got ${show(dir)}`, variableHelp(dir));
  }
  if (hostname && TEMPLATE.test(hostname))
    field.at("hostname").warn(`has no effect: ${show(hostname)} is a template of a swarm, and nothing fills it in`);
  else if (hostname && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(hostname)) {
    const message = `${show(hostname)} is no host name, which has letters, digits, "-" and ".", at most 63`;
    field.at("hostname").problem("Invalid", message, variableHelp(hostname));
  }
};

/** Values that look as if a variable was left in. Not in commands and checks: a shell inside the container may fill those in. */
const warnAboutVariables = (value: unknown, field: Field): void => {
  if (typeof value === "string") {
    const variable = looksUninterpolated(value);
    if (TEMPLATE.test(value)) field.warn(`${show(value)} is a template of a swarm; nothing fills it in, and it is kept as written`);
    if (variable) field.warn(`${variable} looks like a variable; the server fills in none and keeps it as written`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, entry] of Object.entries(value)) warnAboutVariables(entry, field.at(Array.isArray(value) ? Number(key) : key));
  }
};

const normalizePullSecrets = (names: readonly string[] | null | undefined, field: Field): { imagePullSecrets?: string[] } => {
  if (!names || names.length === 0) return {};
  names.forEach((name, i) => {
    const problem = subdomainProblem(name);
    if (problem) field.at(i).problem("Invalid", `the name of the Secret, ${show(name)}, ${problem}`, variableHelp(name));
  });
  return { imagePullSecrets: [...new Set(names)] };
};

/** A service whose parts have passed the schema; what has not was left out. */
export type SoundService = Partial<ComposeService>;

/** The result is whole only when no problem was added. */
export const normalizeService = (name: string, service: SoundService, context: StackContext, field: Field): NormalService => {
  const { command: _command, entrypoint: _entrypoint, healthcheck: _check, post_start: _start, pre_stop: _stop, ...set } = service;
  // Settings that nothing here reads may have variables of their own.
  const { build: _build, develop: _develop, ...plain } = set;
  // A host name has a word of its own.
  for (const [key, value] of Object.entries(plain))
    if (!key.startsWith("x-") && key !== "hostname") warnAboutVariables(value, field.at(key));
  if (service.image !== undefined) checkImage(service.image, field.at("image"));
  checkTexts(service, field);
  const extension = service[EXTENSION];
  const deploy = normalizeDeploy(service.deploy, field.at("deploy"), extension?.schedule !== undefined);
  const replicas = normalizeScale(service, deploy, field);
  const more = normalizeMore(name, service, context, field);
  const mounts = normalizeMounts(service.volumes ?? [], context.volumes, field.at("volumes"));
  const command = normalizeCommand(service.command, field.at("command"));
  const entrypoint = normalizeCommand(service.entrypoint, field.at("entrypoint"));
  if (command?.length === 0 && entrypoint === undefined) {
    field.at("command").warn("the engine cannot take an image's command away; set `entrypoint`, too, and the image's command is not used");
  }
  const user = service.user === undefined ? "" : String(service.user);
  const healthcheck = normalizeHealthcheck(service.healthcheck, field.at("healthcheck"));
  const files = normalizeFiles(service, context, field);
  const grace = service.stop_grace_period;
  const { restartedAt, paused, imagePullSecrets, unhealthy } = extension ?? {};
  const restart = normalizeRestart(service.restart, service.deploy?.restart_policy, field);
  const job = normalizeJob(extension, { ...deploy, replicas }, service.deploy?.mode, restart, field);
  const deviceRequests = [...(more.deviceRequests ?? []), ...(deploy.deviceRequests ?? [])];
  return {
    name,
    mode: deploy.mode,
    replicas: job && deploy.mode === "replicated" ? job.completions : replicas,
    constraints: deploy.constraints,
    dependsOn: impliedDependencies(
      normalizeDependencies(name, service.depends_on, context, field.at("depends_on")),
      normalizeLinks(name, service.links, context, field.at("links")),
      more,
    ),
    ...(restartedAt === undefined ? {} : { restartedAt }),
    ...(paused ? { paused } : {}),
    ...(job ? { job } : {}),
    ...normalizeUnhealthy(unhealthy, healthcheck !== undefined && "disable" in healthcheck, field.at(EXTENSION, "unhealthy")),
    ...normalizePullSecrets(imagePullSecrets ?? context.imagePullSecrets, field.at(EXTENSION, "imagePullSecrets")),
    ...(deploy.reservations ? { reservations: deploy.reservations } : {}),
    container: {
      image: service.image ?? "",
      pullPolicy: normalizePullPolicy(service, field),
      ...(command ? { command } : {}),
      ...(entrypoint ? { entrypoint } : {}),
      env: normalizeEnvironment(service.environment, field.at("environment")),
      labels: normalizeLabels(service.labels, field.at("labels")),
      ...(user ? { user } : {}),
      ...(service.working_dir ? { workingDir: service.working_dir } : {}),
      ...(service.hostname && !TEMPLATE.test(service.hostname) ? { hostname: service.hostname } : {}),
      ...(service.stop_signal ? { stopSignal: normalizeSignal(service.stop_signal, field.at("stop_signal")) } : {}),
      stopGraceMs: (grace === undefined ? undefined : normalizeDuration(grace, field.at("stop_grace_period"))) ?? STOP_GRACE_MS,
      init: service.init ?? false,
      readOnly: service.read_only ?? false,
      capAdd: normalizeCapabilities(service.cap_add, field.at("cap_add")),
      capDrop: normalizeCapabilities(service.cap_drop, field.at("cap_drop")),
      // Who is waited for to complete must be allowed to end; a failure is still tried again.
      restart: job ? jobRestart(job, restart) : (restart ?? { policy: context.awaited.has(name) ? "on-failure" : "unless-stopped" }),
      ...(healthcheck ? { healthcheck } : {}),
      ports: normalizeOpened(service, replicas > 1 || deploy.mode === "global", field.at("ports")),
      mounts: [...mounts, ...normalizeTmpfs(service.tmpfs, mounts, field.at("tmpfs"))],
      networks: withMac(
        service,
        service.network_mode ? [] : normalizeNetworks(name, service.networks, context, field.at("networks")),
        field.at("mac_address"),
      ),
      limits: normalizeLimits(service, deploy.limits, field),
      ...more,
      ...(deviceRequests.length > 0 ? { deviceRequests } : {}),
      ...(files ? { files } : {}),
    },
  };
};
