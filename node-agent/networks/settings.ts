// How a network or volume is made, in the engine's words, and how one that exists differs from that. Pure.
import { createHash } from "node:crypto";
import { LABELS } from "../../schemas/constants.ts";
import type { NetworkSettings } from "../../schemas/fleet.ts";
import type { NetworkInspect, VolumeInspect } from "../engine.ts";
import type { NetworkRequest, VolumeRequest } from "../render.ts";

/** Body of `POST /networks/create` without the name. */
export interface NetworkBody {
  Driver: string;
  Labels: Record<string, string>;
  Internal?: boolean;
  Attachable?: boolean;
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  Options?: Record<string, string>;
  IPAM?: {
    Driver?: string;
    Options?: Record<string, string>;
    Config?: { Subnet?: string; IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Record<string, string> }[];
  };
}

const DEFAULT_DRIVER = "bridge";

export const networkBody = (labels: Record<string, string>, s: NetworkSettings = {}): NetworkBody => ({
  Driver: s.driver ?? DEFAULT_DRIVER,
  Labels: labels,
  ...(s.internal ? { Internal: true } : {}),
  ...(s.attachable ? { Attachable: true } : {}),
  ...(s.enableIpv4 === undefined ? {} : { EnableIPv4: s.enableIpv4 }),
  ...(s.enableIpv6 === undefined ? {} : { EnableIPv6: s.enableIpv6 }),
  ...(s.driverOpts ? { Options: s.driverOpts } : {}),
  ...(s.ipam
    ? {
        IPAM: {
          Driver: s.ipam.driver ?? "default",
          ...(s.ipam.options ? { Options: s.ipam.options } : {}),
          Config: (s.ipam.config ?? []).map((c) => ({
            ...(c.subnet === undefined ? {} : { Subnet: c.subnet }),
            ...(c.ipRange === undefined ? {} : { IPRange: c.ipRange }),
            ...(c.gateway === undefined ? {} : { Gateway: c.gateway }),
            ...(c.auxAddresses ? { AuxiliaryAddresses: c.auxAddresses } : {}),
          })),
        },
      }
    : {}),
});

/** What a network or volume is labelled with, so that settings that were taken away show, too. Undefined: everything default. */
const hashOf = (settings: object | undefined): string | undefined => {
  if (settings === undefined || Object.keys(settings).length === 0) return undefined;
  return `v1:${createHash("sha256")
    .update(JSON.stringify(sorted(settings)))
    .digest("hex")
    .slice(0, 16)}`;
};
const sorted = (value: unknown): unknown =>
  value === null || typeof value !== "object" || Array.isArray(value)
    ? value
    : Object.fromEntries(
        Object.entries(value)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([k, v]) => [k, sorted(v)]),
      );

export const networkHash = (r: Pick<NetworkRequest, "settings">): string | undefined => hashOf(r.settings);
export const volumeHash = (r: Pick<VolumeRequest, "driver" | "driverOpts">): string | undefined =>
  hashOf({
    ...(r.driver === undefined ? {} : { driver: r.driver }),
    ...(r.driverOpts && Object.keys(r.driverOpts).length > 0 ? { driverOpts: r.driverOpts } : {}),
  });
export const withHash = (labels: Record<string, string>, hash: string | undefined): Record<string, string> =>
  hash === undefined ? labels : { ...labels, [LABELS.settings]: hash };

type Value = string | number | boolean | undefined;
const words = (what: string, have: Value, want: Value): string => `${what} is ${show(have)}, not ${show(want)}`;
const show = (value: Value): string => (value === undefined || value === "" ? "none" : String(value));

/** In words, e.g. `subnet is 10.1.0.0/24, not 10.2.0.0/24`. Only what the manifest says is compared: the engine fills in the rest. */
export const networkDifferences = (r: NetworkRequest, have: NetworkInspect): string[] => {
  const s = r.settings ?? {};
  const found: string[] = [];
  const compare = (what: string, actual: Value, wanted: Value): void => {
    if (wanted !== undefined && actual !== undefined && actual !== wanted) found.push(words(what, actual, wanted));
  };
  compare("driver", have.Driver, s.driver ?? DEFAULT_DRIVER);
  compare("internal", have.Internal, s.internal ?? false);
  compare("attachable", have.Attachable, s.attachable ?? false);
  compare("enable_ipv6", have.EnableIPv6, s.enableIpv6);
  for (const [key, wanted] of Object.entries(s.driverOpts ?? {})) compare(key, have.Options?.[key] ?? "", wanted);
  compare("ipam driver", have.IPAM?.Driver, s.ipam?.driver);
  const pools = have.IPAM?.Config ?? [];
  for (const c of s.ipam?.config ?? []) {
    if (c.subnet === undefined) continue;
    const pool = pools.find((p) => p.Subnet === c.subnet);
    if (!pool) found.push(words("subnet", pools.map((p) => p.Subnet).join(", "), c.subnet));
    else {
      compare("gateway", pool.Gateway ?? "", c.gateway);
      compare("ip_range", pool.IPRange ?? "", c.ipRange);
    }
  }
  return found.length > 0 || have.Labels?.[LABELS.settings] === networkHash(r) ? found : ["it was made with other settings"];
};

/** Labels are not compared: an engine cannot change them, and a volume is never made anew. */
export const volumeDifferences = (r: VolumeRequest, have: VolumeInspect): string[] => {
  const found: string[] = [];
  if (have.Driver !== undefined && have.Driver !== (r.driver ?? "local")) found.push(words("driver", have.Driver, r.driver ?? "local"));
  for (const [key, wanted] of Object.entries(r.driverOpts ?? {}))
    if ((have.Options?.[key] ?? "") !== wanted) found.push(words(`driver_opts.${key}`, have.Options?.[key], wanted));
  const extra = Object.keys(have.Options ?? {}).filter((key) => !(key in (r.driverOpts ?? {})));
  if (found.length === 0 && extra.length > 0 && have.Labels?.[LABELS.settings] !== volumeHash(r))
    found.push(`driver_opts has ${extra.join(", ")}, which the manifest does not say`);
  return found;
};
