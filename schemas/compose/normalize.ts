// A Compose body in short and long forms → one form with everything said, or all that is wrong with it. Pure.
import { EXTENSION } from "../constants.ts";
import { MAX_SERVICE_NAME, networkName, projectName, volumeName } from "../names.ts";
import { Findings, type Key, type Problem, type Warning, warningsBeside } from "../problems.ts";
import type { StackSpec } from "../types.ts";
import { show } from "../words.ts";
import { Field, KEY, KEY_WORDS, type StackContext } from "./context.ts";
import { declaredNetworks, declaredVolumes } from "./declared.ts";
import { declaredConfigs, declaredSecrets } from "./files.ts";
import { checkTogether } from "./graph.ts";
import { withLinks } from "./links.ts";
import type { NormalService, NormalStack } from "./normal.ts";
import { normalizeService } from "./service.ts";

/** More than anybody writes by hand, and few enough to judge at once. */
export const MAX_SERVICES = 200;

export interface ComposeStack {
  metadata: { name?: string; namespace?: string };
  spec: StackSpec;
}

/** Whether nothing was found wrong at, above or below a place of at most four keys. */
export type Intact = (...keys: Key[]) => boolean;

const awaitedOf = (spec: StackSpec, intact: Intact): Set<string> => {
  const awaited = new Set<string>();
  for (const [name, service] of Object.entries(spec.services)) {
    if (!intact("spec", "services", name, "depends_on") || !service?.depends_on || Array.isArray(service.depends_on)) continue;
    for (const [other, { condition }] of Object.entries(service.depends_on)) {
      if (condition === "service_completed_successfully") awaited.add(other);
    }
  }
  return awaited;
};

const checkTop = (stack: ComposeStack, field: Field): void => {
  const { version, name } = stack.spec;
  if (version !== undefined) field.at("version").warn("`version` is obsolete and has no effect; remove it");
  if (name !== undefined && name !== stack.metadata.name) {
    field.at("name").warn(`the Stack is named by metadata.name (${show(stack.metadata.name ?? "")}); ${show(name)} has no effect`);
  }
};

/**
 * Spells out what is intact and adds to `out` what is wrong beyond the schema. `stack.spec` is a map; parts of it that are not
 * intact are passed over. The answer is whole only when nothing was added.
 */
export const checkBody = (stack: ComposeStack, out: Findings, intact: Intact): NormalStack => {
  const field = new Field(out, ["spec"]);
  const { spec } = stack;
  const project = projectName(stack.metadata.namespace || "default", stack.metadata.name ?? "");
  if (intact("spec", "name") && intact("spec", "version")) checkTop(stack, field);
  const sections = {
    networks: intact("spec", "networks")
      ? declaredNetworks(spec.networks, (key) => networkName(project, key), field.at("networks"))
      : undefined,
    volumes: intact("spec", "volumes") ? declaredVolumes(spec.volumes, (key) => volumeName(project, key), field.at("volumes")) : undefined,
    configs: intact("spec", "configs") ? declaredConfigs(spec.configs, field.at("configs")) : undefined,
    secrets: intact("spec", "secrets") ? declaredSecrets(spec.secrets, field.at("secrets")) : undefined,
  };
  if (typeof spec.services !== "object" || spec.services === null || Array.isArray(spec.services)) return { services: [] };
  const names = Object.keys(spec.services);
  const pull = intact("spec", EXTENSION) ? spec[EXTENSION]?.imagePullSecrets : undefined;
  const at = (service: string): Field => field.at("services", service);
  if (names.length > MAX_SERVICES) {
    field.at("services").problem("Invalid", `at most ${MAX_SERVICES} services; these are ${names.length}`);
    return { services: [] };
  }
  for (const name of names) {
    if (KEY.test(name) && name.length <= MAX_SERVICE_NAME) continue;
    at(name).keyProblem("Invalid", `the service name ${show(name)} ${KEY_WORDS}, at most ${MAX_SERVICE_NAME} characters`);
  }
  const context: StackContext = {
    out,
    ...sections,
    services: new Set(names),
    ...(pull ? { imagePullSecrets: pull } : {}),
    awaited: awaitedOf(spec, intact),
  };
  const services: NormalService[] = [];
  for (const name of names.toSorted()) {
    const service: unknown = spec.services[name];
    if (typeof service !== "object" || service === null || Array.isArray(service)) continue;
    const sound = Object.entries(service).filter(([key]) => intact("spec", "services", name, key));
    const normal = normalizeService(name, Object.fromEntries(sound), context, at(name));
    // What is broken would only raise false alarms about others.
    if (intact("spec", "services", name)) services.push(normal);
  }
  const linked = withLinks(services, (name) => spec.services[name]?.links, at);
  checkTogether(linked, at);
  return { services: linked };
};

/** `stack` has passed the schema (`parseObject`). Warnings are for the author; the result counts without them. */
export const normalize = (
  stack: ComposeStack,
): { normal: NormalStack; warnings: Warning[]; problems?: never } | { problems: Problem[]; warnings: Warning[]; normal?: never } => {
  const out = new Findings();
  const normal = checkBody(stack, out, () => true);
  return out.problems.length > 0
    ? { problems: out.problems, warnings: warningsBeside(out.problems, out.warnings) }
    : { normal, warnings: out.warnings };
};
