// What cannot be in one place at once: two addresses that are the same, a file where something is mounted. And jobs that nobody can wait for.
import { show } from "../words.ts";
import { sameAddress } from "./addresses.ts";
import type { Field } from "./context.ts";
import type { NormalService } from "./normal.ts";

type FieldOf = (service: string) => Field;

/** `outer` is `inner`, or a folder that it lies in. */
const within = (outer: string, inner: string): boolean => {
  const folder = outer.length > 1 ? outer.replace(/\/+$/, "") : outer;
  return inner === folder || inner.startsWith(folder === "/" ? "/" : `${folder}/`);
};

/** Files are bind-mounted one by one: into a folder that is mounted read-only, the engine cannot put one that is not there. */
const checkFiles = ({ name, container }: NormalService, fieldOf: FieldOf): void => {
  for (const file of container.files ?? []) {
    const field = fieldOf(name).at(`${file.kind}s`);
    const same = container.mounts.find((m) => m.target.replace(/(.)\/+$/, "$1") === file.target);
    const around = container.mounts.find((m) => within(m.target, file.target));
    if (same)
      field.problem(
        "Duplicate",
        `the ${file.kind} ${show(file.key)} is to be at ${file.target}, where something is mounted`,
        "Give one of them another target.",
      );
    else if (around?.type === "bind" || (around?.type === "volume" && around.volume)) {
      const what = around.type === "bind" ? `the path ${around.source} of the node` : `the volume ${show(around.volume?.key ?? "")}`;
      field.warn(`the ${file.kind} ${show(file.key)} is to be at ${file.target}, inside ${what}: an empty file of that name stays there`);
    }
  }
};

/** A file of `files` cannot be the folder of another. */
const checkNesting = ({ name, container }: NormalService, fieldOf: FieldOf): void => {
  const files = container.files ?? [];
  for (const file of files) {
    const folder = files.find((other) => other !== file && within(other.target, file.target));
    if (folder)
      fieldOf(name)
        .at(`${file.kind}s`)
        .problem("Duplicate", `${file.target} lies in ${folder.target}, which is the file of the ${folder.kind} ${show(folder.key)}`);
  }
};

/** Pods on one network are on one node, but for those of a global service: each of its nodes has a network of its own. */
const checkAddresses = (services: readonly NormalService[], fieldOf: FieldOf): void => {
  const taken: { network: string; address: string; what: string; service: string }[] = [];
  for (const { name, mode, replicas, job, container } of services) {
    for (const network of container.networks) {
      const field = fieldOf(name).at("networks", network.key);
      for (const [key, address] of [
        ["ipv4_address", network.ipv4],
        ["ipv6_address", network.ipv6],
        ["mac_address", network.macAddress],
      ] as const) {
        if (address === undefined) continue;
        const many = mode === "replicated" && replicas > 1 && (job?.parallelism ?? replicas) > 1;
        if (many)
          field
            .at(key)
            .problem(
              "Invalid",
              `${replicas} replicas cannot all have ${address}`,
              "Remove it, or keep one replica: the service's name resolves to all of them.",
            );
        const other = taken.find((t) => t.network === network.name && (t.address === address || sameAddress(t.address, address)));
        if (other && other.service !== name)
          field.at(key).problem("Duplicate", `${address} is also the address of ${show(other.service)} on this network`);
        taken.push({ network: network.name, address, what: key, service: name });
      }
    }
  }
};

/** Runs of a schedule come and go: there is nothing to wait for. */
const checkSchedules = (services: readonly NormalService[], fieldOf: FieldOf): void => {
  for (const { name, dependsOn } of services) {
    for (const { service } of dependsOn) {
      if (!services.some((s) => s.name === service && s.job?.schedule)) continue;
      const help = "Remove it, or make a service of its own that runs once (`deploy: {mode: replicated-job}`, without `schedule`).";
      fieldOf(name)
        .at("depends_on", service)
        .problem("Invalid", `${show(service)} runs on a schedule, so that nobody can wait for it`, help);
    }
  }
};

/** `services`: those that are whole. */
export const checkClashes = (services: readonly NormalService[], fieldOf: FieldOf): void => {
  for (const service of services) {
    checkFiles(service, fieldOf);
    checkNesting(service, fieldOf);
  }
  checkAddresses(services, fieldOf);
  checkSchedules(services, fieldOf);
};
