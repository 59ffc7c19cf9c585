// A change of a Deployment as a change of the Stack that it is a view of. Pure. What a Stack has no place for is refused.
import { isDeepStrictEqual } from "node:util";
import { withReplicas } from "../../../schemas/compose/replicas.ts";
import { EXTENSION, KUBERNETES } from "../../../schemas/constants.ts";
import type { ComposeService, Deployment, Stack, StackRevision } from "../../../schemas/types.ts";
import { replicaSetsOf, templatesOf } from "../../../schemas/views.ts";
import { isGlobal, isJob } from "../../../schemas/views/template.ts";
import type { Json } from "../../json.ts";
import type { Problem } from "../../kind.ts";
import { withEnvironment, withLimit } from "./container.ts";
import { type Difference, differences, pathOf } from "./differences.ts";

export type Translated = { stack: Stack; problems?: never } | { problems: Problem[]; stack?: never };

export interface Subject {
  stack: Stack;
  service: string;
  /** Of the Stack; in any order. */
  revisions: readonly StackRevision[];
  /** The present view of the service. */
  view: Deployment;
}

/** What a service may hold of any kind: whether it is valid is asked of the whole Stack afterwards. */
type Body = Partial<ComposeService>;

/** Fields with another writer than the client: what he sends of them counts for nothing. */
const SERVERS = /^(status|metadata\.(resourceVersion|generation|creationTimestamp|uid|managedFields|selfLink|deletion[A-Za-z]+))\b/;

/** Where Compose has what a field of a pod says. */
const COMPOSE: Readonly<Record<string, string>> = {
  command: "entrypoint",
  args: "command",
  env: "environment",
  ports: "ports",
  volumeMounts: "volumes",
  volumes: "volumes",
  workingDir: "working_dir",
  imagePullPolicy: "pull_policy",
  resources: "deploy.resources.limits",
  securityContext: "privileged, user, read_only, cap_add, cap_drop, security_opt, group_add or sysctls",
  readinessProbe: "healthcheck",
  lifecycle: "post_start or pre_stop",
  stdin: "stdin_open",
  tty: "tty",
  hostNetwork: "network_mode",
  hostPID: "pid",
  hostIPC: "ipc",
  runtimeClassName: "runtime",
  hostAliases: "extra_hosts",
  dnsConfig: "dns, dns_search or dns_opt",
  hostname: "hostname",
  restartPolicy: "restart",
  terminationGracePeriodSeconds: "stop_grace_period",
};

const forbidden = (d: Difference, message: string): Problem => ({ field: pathOf(d.keys), message, reason: "FieldValueForbidden" });

/** The way to change what cannot be changed here. */
const elsewhere = ({ stack, service }: Subject, d: Difference): Problem => {
  const name = stack.metadata.name;
  const view = `this Deployment is a view of the service ${service} of the Stack ${name}`;
  if (d.keys[0] === "metadata")
    return forbidden(d, `${view}, and has the labels and annotations of the Stack; change those: kubectl label or annotate stack ${name}`);
  const path = pathOf(d.keys);
  if (/^spec\.template\.spec\.(containers|initContainers|ephemeralContainers)$/.test(path))
    return forbidden(d, `${view}, and a pod of a service has one container, ${service}; another container is another service`);
  const field = /^spec\.template\.spec\.(?:containers\[0\]\.)?([A-Za-z]+)/.exec(path)?.[1] ?? "";
  const key = COMPOSE[field];
  return forbidden(
    d,
    key === undefined
      ? `${view}, which has no such field to change`
      : `${view}; what this says is in the Stack, at spec.services.${service}.${key}: kubectl edit stack ${name}`,
  );
};

const without = <K extends string>(body: Body, key: K): Body => Object.fromEntries(Object.entries(body).filter(([k]) => k !== key)) as Body;

/** Keys that are undefined go; an empty map goes altogether. */
const merged = (body: Body, key: "deploy" | typeof EXTENSION, changes: { [key: string]: unknown }): Body => {
  const entries = Object.entries({ ...body[key], ...changes }).filter(([, v]) => v !== undefined);
  return entries.length === 0 ? without(body, key) : { ...body, [key]: Object.fromEntries(entries) };
};

/** The service as it was; how many pods it has, and whether it is paused, are no part of that. */
const restored = (then: Body, now: Body): Body => {
  const { scale: _, ...unscaled } = merged(then, "deploy", { mode: now.deploy?.mode, replicas: now.deploy?.replicas });
  const scaled = now.scale === undefined ? unscaled : { ...unscaled, scale: now.scale };
  return merged(scaled, EXTENSION, { paused: now[EXTENSION]?.paused });
};

/** `kubectl rollout undo` puts back a ReplicaSet's template; the Stack's revision has all that the template cannot show. */
const undone = (subject: Subject, d: Difference, wanted: Json, body: Body): Body | Problem => {
  const { stack, service, revisions, view } = subject;
  const number = Number(d.after);
  const template = templatesOf(stack, service, revisions).find((t) => t.revision === number);
  const set = replicaSetsOf(stack, revisions).find((r) => r.metadata.name === `${view.metadata.name}-${number}`);
  const then = template?.last.spec.services[service];
  const asWanted = (wanted as { spec?: { template?: Json } }).spec?.template;
  const hash = pathOf(["metadata", "labels", KUBERNETES.templateHash]);
  const others = differences((set?.spec.template ?? null) as unknown as Json, asWanted ?? null).filter((x) => pathOf(x.keys) !== hash);
  if (then && others.length === 0) return restored(then, body);
  return forbidden(
    d,
    then
      ? `the template is not that of revision ${number}: go back to it with kubectl rollout undo --to-revision=${number}`
      : `set by the server, to a revision that is kept: kubectl rollout history deployment/${view.metadata.name}`,
  );
};

const annotationOf = (keys: readonly (string | number)[]): string =>
  pathOf(keys.slice(0, -1)).endsWith("metadata.annotations") ? String(keys.at(-1)) : "";

const CONTAINER = "spec.template.spec.containers[0]";
const environmentOf = (deployment: Json): Json | undefined => {
  const { containers } = (deployment as { spec?: { template?: { spec?: { containers?: { env?: Json }[] } } } }).spec?.template?.spec ?? {};
  return containers?.[0]?.env;
};

/** What one field's change makes of the service. */
const applied = (subject: Subject, d: Difference, wanted: Json, body: Body): Body | Problem => {
  const path = pathOf(d.keys);
  const gone = d.after === undefined;
  if (path === "spec.replicas") {
    if (isGlobal(body)) return forbidden(d, `the service ${subject.service} is global: it has one pod on each node`);
    if (isJob(body)) return forbidden(d, `the service ${subject.service} is a job, which runs to its end and has no number of replicas`);
    return withReplicas(body, (d.after ?? 1) as number);
  }
  if (path === "spec.paused") return merged(body, EXTENSION, { paused: d.after === false ? undefined : d.after });
  if (path === `${CONTAINER}.image` && !gone) return { ...body, image: d.after as string };
  if (path.startsWith(`${CONTAINER}.env`)) {
    const view = subject.view as unknown as Json;
    return withEnvironment(body, environmentOf(view), environmentOf(wanted)) ?? elsewhere(subject, d);
  }
  const limit = /\.resources\.limits\.(cpu|memory)$/.exec(path)?.[1];
  if (path.startsWith(CONTAINER) && limit !== undefined) return withLimit(body, limit as "cpu" | "memory", d.after);
  if (path.startsWith("spec.template.") && annotationOf(d.keys) === KUBERNETES.restartedAt)
    return merged(body, EXTENSION, { restartedAt: d.after });
  return elsewhere(subject, d);
};

const isProblem = (value: Body | Problem): value is Problem => "field" in value && "message" in value;

/** The Stack as it should be so that its view is `wanted`; the very same Stack where that says nothing new. */
export const translate = (subject: Subject, wanted: Json): Translated => {
  const { stack, service, view } = subject;
  const problems: Problem[] = [];
  const before: Body = stack.spec.services[service] ?? {};
  let body = before;
  let metadata = stack.metadata;
  const take = (next: Body | Problem): void => {
    if (isProblem(next)) problems.push(next);
    else body = next;
  };
  let found = differences(view as unknown as Json, wanted).filter((d) => !SERVERS.test(pathOf(d.keys)));
  const undo = found.find((d) => d.keys[1] === "template" && annotationOf(d.keys) === KUBERNETES.revision && d.after !== undefined);
  if (undo) {
    take(undone(subject, undo, wanted, body));
    found = found.filter((d) => d.keys[1] !== "template");
  }
  for (const d of found) {
    if (d.keys[0] !== "metadata" || annotationOf(d.keys) !== KUBERNETES.changeCause) take(applied(subject, d, wanted, body));
    else {
      const others = Object.entries(metadata.annotations ?? {}).filter(([key]) => key !== KUBERNETES.changeCause);
      const cause: [string, string][] = d.after === undefined ? [] : [[KUBERNETES.changeCause, d.after as string]];
      metadata = { ...metadata, annotations: Object.fromEntries([...others, ...cause]) };
    }
  }
  if (problems.length > 0) return { problems };
  if (isDeepStrictEqual(body, before) && metadata === stack.metadata) return { stack };
  const services = { ...stack.spec.services, [service]: body as ComposeService };
  return { stack: { ...stack, metadata, spec: { ...stack.spec, services } } };
};
