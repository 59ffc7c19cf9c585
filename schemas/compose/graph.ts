// What only shows when services are seen together: cycles, conditions that cannot come true, host ports and names taken twice.
import type { PortSpec } from "../fleet.ts";
import { checkClashes } from "./clashes.ts";
import type { Field } from "./context.ts";
import { placementGroups } from "./groups.ts";
import { sharedServices } from "./namespaces.ts";
import type { NormalService } from "./normal.ts";
import { portsClash, showPort } from "./ports.ts";

type FieldOf = (service: string) => Field;

/** The key on account of which a service waits for another one. Links and `depends_on` wait alike. */
const keyOf = (service: NormalService | undefined, other: string | undefined): string =>
  (service && sharedServices(service.container).find((shared) => shared.service === other)?.key) ?? "depends_on";

/** Each cycle once, told at its first service by name: `api → db → api`. */
const checkCycles = (services: ReadonlyMap<string, NormalService>, fieldOf: FieldOf): void => {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): void => {
    const start = path.indexOf(name);
    if (start >= 0) {
      const cycle = path.slice(start);
      const first = cycle.toSorted()[0] ?? name;
      const turned = [...cycle.slice(cycle.indexOf(first)), ...cycle.slice(0, cycle.indexOf(first)), first];
      const help = "Remove one of these dependencies.";
      fieldOf(first)
        .at(keyOf(services.get(first), turned[1]))
        .problem("Invalid", `services wait for each other: ${turned.join(" → ")}`, help);
      return;
    }
    if (done.has(name)) return;
    path.push(name);
    for (const { service } of services.get(name)?.dependsOn ?? []) if (service !== name) visit(service);
    path.pop();
    done.add(name);
  };
  for (const name of services.keys()) visit(name);
};

const checkConditions = (services: ReadonlyMap<string, NormalService>, fieldOf: FieldOf): void => {
  for (const { name, dependsOn } of services.values()) {
    for (const { service, condition } of dependsOn) {
      const other = services.get(service);
      if (!other) continue;
      const { healthcheck, restart } = other.container;
      const field = fieldOf(name).at("depends_on", service, "condition");
      if (condition === "service_healthy" && healthcheck && "disable" in healthcheck) {
        field.problem(
          "Invalid",
          `the health check of "${service}" is off, so it never becomes healthy`,
          "Use service_started, or give it a check.",
        );
      } else if (condition === "service_healthy" && !healthcheck) {
        field.warn(`"${service}" has no healthcheck here; unless its image has one, "${name}" never starts`);
      } else if (condition === "service_completed_successfully" && (restart.policy === "always" || restart.policy === "unless-stopped")) {
        field.problem(
          "Invalid",
          `"${service}" is restarted whenever it ends (restart: ${restart.policy}), so it never completes`,
          `Give "${service}" \`restart: on-failure\` or \`restart: "no"\`.`,
        );
      }
    }
  }
};

interface Taken {
  service: string;
  port: PortSpec;
}

/** Two services that are certain to meet on a node: in one group, or one of them is on every node. */
const checkPorts = (services: readonly NormalService[], fieldOf: FieldOf): void => {
  const everywhere = services.filter((s) => s.mode === "global" && s.constraints.length === 0).map((s) => s.name);
  const groups = placementGroups(services);
  const together = new Set(groups.flatMap((g) => g.services));
  const told = new Set<string>();
  const compare = (names: readonly string[], others: ReadonlySet<string>): void => {
    const byPort = new Map<number, Taken[]>();
    for (const service of services.filter((s) => names.includes(s.name))) {
      for (const port of service.container.ports) {
        if (port.published === undefined) continue;
        const before = byPort.get(port.published) ?? [];
        const clash = before.find(
          (t) => portsClash(t.port, port) && t.service !== service.name && (others.has(t.service) || others.has(service.name)),
        );
        const line = `${service.name} ${showPort(port)}`;
        if (clash && !told.has(line)) {
          told.add(line);
          const message = `the host port ${showPort(port)} is also published by "${clash.service}", which runs on the same node`;
          const help = "Use another host port. Services that share a network or a volume run on one node.";
          fieldOf(service.name).at("ports").problem("Duplicate", message, help);
        }
        byPort.set(port.published, [...before, { service: service.name, port }]);
      }
    }
  };
  for (const group of groups) compare(group.services, new Set(group.services));
  if (everywhere.length > 0)
    compare(
      services.map((s) => s.name),
      new Set(everywhere),
    );
  for (const service of services) {
    const fixed = service.container.ports.find((port) => port.published !== undefined);
    if (service.mode === "global" || service.replicas < 2 || !fixed || !together.has(service.name)) continue;
    fieldOf(service.name)
      .at("deploy", "replicas")
      .problem(
        "Invalid",
        `${service.replicas} replicas cannot all publish the host port ${showPort(fixed)}: they run on one node, with the services whose network or volume they share`,
        `Name no host port (\`"${fixed.target}"\`), or give the service a network of its own, so that its replicas spread over nodes.`,
      );
  }
};

/** Whose namespaces and volumes are shared must be on the node, and must allow it. */
const checkShared = (services: ReadonlyMap<string, NormalService>, fieldOf: FieldOf): void => {
  for (const { name, mode, container } of services.values()) {
    for (const { service, key } of sharedServices(container)) {
      const other = services.get(service);
      if (mode === "global" && other && other.mode !== "global") {
        const help = `Give "${service}" \`deploy: {mode: global}\`, too.`;
        fieldOf(name).at(key).problem("Invalid", `"${name}" runs on each node, and "${service}" does not`, help);
      }
    }
    const { ipc } = container;
    const owner = typeof ipc === "object" && "service" in ipc ? services.get(ipc.service) : undefined;
    const allows = owner?.container.ipc;
    if (owner && (allows === undefined || allows === "private" || allows === "none")) {
      const help = `Give "${owner.name}" \`ipc: shareable\`.`;
      fieldOf(name).at("ipc").problem("Invalid", `the shared memory of "${owner.name}" is its own`, help);
    }
  }
};

/** A name can be given once on an engine. */
const checkNames = (services: readonly NormalService[], fieldOf: FieldOf): void => {
  const owners = new Map<string, string>();
  const together = new Set(placementGroups(services).flatMap((g) => g.services));
  for (const { name, mode, replicas, container } of services) {
    if (container.containerName === undefined) continue;
    const owner = owners.get(container.containerName);
    const field = fieldOf(name).at("container_name");
    if (owner !== undefined) field.problem("Duplicate", `the service "${owner}" has the container name "${container.containerName}", too`);
    else if (mode === "replicated" && replicas > 1 && together.has(name)) {
      const message = `${replicas} replicas cannot all be called "${container.containerName}": they run on one node, with the services whose network or volume they share`;
      field.problem("Invalid", message, "Remove `container_name`, or have one replica.");
    }
    owners.set(container.containerName, owner ?? name);
  }
};

/** `services`: those that are whole. */
export const checkTogether = (services: readonly NormalService[], fieldOf: FieldOf): void => {
  const byName = new Map(services.map((service) => [service.name, service]));
  checkCycles(byName, fieldOf);
  checkConditions(byName, fieldOf);
  checkShared(byName, fieldOf);
  checkPorts(services, fieldOf);
  checkClashes(services, fieldOf);
  checkNames(services, fieldOf);
};
