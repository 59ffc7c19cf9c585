// Devices of the node: paths, CDI names, and what a driver is asked for.
import type { ContainerSpec, DeviceRequest } from "../fleet.ts";
import type { ComposeDeviceRequest, ComposeService } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";
import { normalizeOptions } from "./values.ts";

type Service = Partial<ComposeService>;
type Device = NonNullable<ContainerSpec["devices"]>[number];

/** `vendor.com/class=name`. Source: CDI specification, "Qualified names". */
const CDI = /^[A-Za-z][A-Za-z0-9_.-]*\/[A-Za-z][A-Za-z0-9_.-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*$/;

const device = (host: string, container: string, permissions: string, field: Field): Device | undefined => {
  if (!host.startsWith("/") || !container.startsWith("/")) {
    const bad = host.startsWith("/") ? container : host;
    field.problem("Invalid", `must be the path of a device such as /dev/ttyUSB0, or a CDI name; got ${show(bad)}`, variableHelp(bad));
    return undefined;
  }
  if (!/^[rwm]{1,3}$/.test(permissions) || new Set(permissions).size !== permissions.length) {
    field.problem("Invalid", `the permissions must be some of r, w and m; got ${show(permissions)}`);
    return undefined;
  }
  return { host, container, permissions };
};

const shortDevice = (text: string, field: Field): Device | undefined => {
  const [host = "", second, third, ...more] = text.split(":");
  if (more.length > 0 || second === "" || third === "") {
    field.problem("Invalid", `must be path[:path in the container[:rwm]]; got ${show(text)}`, variableHelp(text));
    return undefined;
  }
  // As in Docker: two parts are a path and permissions when the second is no path.
  const permissionsOnly = third === undefined && second !== undefined && /^[rwm]{1,3}$/.test(second);
  return permissionsOnly ? device(host, host, second, field) : device(host, second ?? host, third ?? "rwm", field);
};

const RULE = /^[abc] (\d+|\*):(\d+|\*) [rwm]{1,3}$/;

/** `all` and -1 are all there are. */
const countOf = (count: string | number | undefined, field: Field): number | undefined => {
  if (count === undefined) return undefined;
  if (count === "all" || String(count) === "-1") return -1;
  if (/^\d{1,4}$/.test(String(count))) return Number(count);
  field.problem("Invalid", `must be a number or all; got ${show(count)}`, variableHelp(String(count)));
  return undefined;
};

/** Requests as the engine takes them, in the order written. `capability`: what is asked for where none is named. */
export const normalizeDeviceRequests = (
  requests: readonly ComposeDeviceRequest[] | null | undefined,
  field: Field,
  capability?: string,
): DeviceRequest[] =>
  (requests ?? []).map((request, i) => {
    const at = field.at(i);
    const deviceIds = request.device_ids ?? [];
    const named = request.capabilities ?? [];
    const capabilities = capability === undefined || named.includes(capability) ? named : [capability, ...named];
    if (capabilities.length === 0) {
      at.at("capabilities").problem("Required", "is required: what the devices must be able to do", "For example `capabilities: [gpu]`.");
    }
    if (request.count !== undefined && deviceIds.length > 0) {
      at.at("count").keyProblem("Invalid", "either `count` or `device_ids`, not both", "Remove one of them.");
    }
    const count = deviceIds.length > 0 ? undefined : (countOf(request.count, at.at("count")) ?? -1);
    const options = normalizeOptions(request.options, at.at("options"));
    return {
      ...(request.driver ? { driver: request.driver } : {}),
      ...(count === undefined ? {} : { count }),
      ...(deviceIds.length > 0 ? { deviceIds: [...deviceIds] } : {}),
      capabilities: [[...capabilities]],
      ...(Object.keys(options).length > 0 ? { options } : {}),
    };
  });

type Devices = Pick<ContainerSpec, "devices" | "cdiDevices" | "deviceCgroupRules" | "deviceRequests">;

export const normalizeDevices = (service: Service, field: Field): Devices => {
  const devices: Device[] = [];
  const cdiDevices: string[] = [];
  for (const [i, entry] of (service.devices ?? []).entries()) {
    const at = field.at("devices", i);
    const source = typeof entry === "string" ? entry : entry.source;
    if (CDI.test(source)) {
      cdiDevices.push(source);
      continue;
    }
    const found =
      typeof entry === "string"
        ? shortDevice(entry, at)
        : device(entry.source, entry.target || entry.source, entry.permissions || "rwm", at);
    if (found && devices.some((d) => d.container === found.container)) at.problem("Duplicate", `a device is at ${found.container} already`);
    if (found) devices.push(found);
  }
  const rules = service.device_cgroup_rules ?? [];
  for (const [i, rule] of rules.entries()) {
    if (RULE.test(rule)) continue;
    const message = `must be a kind (a, b or c), numbers and permissions, such as "c 1:3 mr"; got ${show(rule)}`;
    field.at("device_cgroup_rules", i).problem("Invalid", message, variableHelp(rule));
  }
  const gpus = service.gpus;
  const requests = normalizeDeviceRequests(gpus === "all" ? [{ count: "all" }] : gpus, field.at("gpus"), "gpu");
  return {
    ...(devices.length > 0 ? { devices } : {}),
    ...(cdiDevices.length > 0 ? { cdiDevices } : {}),
    ...(rules.length > 0 ? { deviceCgroupRules: [...rules] } : {}),
    ...(requests.length > 0 ? { deviceRequests: requests } : {}),
  };
};
