// What the server serves, told to clients: the legacy documents (kubectl before 1.27) and aggregated discovery, both made from the kinds.
// Source: Kubernetes API concepts, "Discovery API".
import type Router from "@koa/router";
import { apiVersionOf } from "../schemas/resources.ts";
import type { Kind } from "./kind.ts";
import { KINDS } from "./kinds/index.ts";

/** The versions of apidiscovery.k8s.io that clients ask for. */
export type DiscoveryVersion = "v2" | "v2beta1";
const DISCOVERY_VERSIONS: readonly DiscoveryVersion[] = ["v2", "v2beta1"];

/** Groups without kinds of their own: kubectl 1.20 drains by eviction only where it finds the group of Evictions. */
const BARE_GROUPS: readonly { group: string; version: string }[] = [{ group: "policy", version: "v1" }];

const unique = (values: string[]): string[] => [...new Set(values)];
/** Those that subresources of these kinds belong to count, too. */
const bareGroups = (kinds: readonly Kind[]): readonly { group: string; version: string }[] =>
  BARE_GROUPS.filter((g) => kinds.some((k) => k.subresources.some((s) => s.responseKind?.group === g.group)));
const groupVersions = (kinds: readonly Kind[]): readonly { group: string; version: string }[] => [
  ...kinds.map((k) => k.resource),
  ...bareGroups(kinds),
];
const groupsOf = (kinds: readonly Kind[]): string[] =>
  unique(
    groupVersions(kinds)
      .map((g) => g.group)
      .filter((g) => g !== ""),
  );
const versionsOf = (kinds: readonly Kind[], group: string): string[] =>
  unique(
    groupVersions(kinds)
      .filter((g) => g.group === group)
      .map((g) => g.version),
  );

/** `GET /api` */
export const apiVersions = (kinds: readonly Kind[]): object => ({
  kind: "APIVersions",
  apiVersion: "v1",
  versions: versionsOf(kinds, ""),
  // Clients have the address they called; there is no other to prefer.
  serverAddressByClientCIDRs: [],
});

const groupEntry = (kinds: readonly Kind[], name: string): object => {
  const versions = versionsOf(kinds, name).map((version) => ({ groupVersion: apiVersionOf({ group: name, version }), version }));
  return { name, versions, preferredVersion: versions[0] };
};

/** `GET /apis` */
export const apiGroupList = (kinds: readonly Kind[]): object => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: groupsOf(kinds).map((g) => groupEntry(kinds, g)),
});

/** `GET /apis/<group>`; undefined when there is no such group. */
export const apiGroup = (kinds: readonly Kind[], name: string): object | undefined =>
  groupsOf(kinds).includes(name) ? { kind: "APIGroup", apiVersion: "v1", ...groupEntry(kinds, name) } : undefined;

/** `GET /api/v1` and `GET /apis/<group>/<version>`; undefined when there is no such version. */
export function apiResourceList(kinds: readonly Kind[], group: string, version: string): object | undefined {
  const served = kinds.filter((k) => k.resource.group === group && k.resource.version === version);
  if (served.length === 0 && !versionsOf(kinds, group).includes(version)) return undefined;
  const resources = served.flatMap(({ resource: r, verbs, subresources }) => [
    {
      name: r.resource,
      singularName: r.singular,
      namespaced: r.namespaced,
      kind: r.kind,
      verbs,
      ...(r.shortNames.length > 0 && { shortNames: r.shortNames }),
      ...(r.categories.length > 0 && { categories: r.categories }),
    },
    ...subresources.map((s) => ({
      name: `${r.resource}/${s.name}`,
      singularName: "",
      namespaced: r.namespaced,
      ...(s.responseKind ?? { kind: r.kind }),
      verbs: s.verbs,
    })),
  ]);
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: apiVersionOf({ group, version }), resources };
}

const discoveredResource = ({ resource: r, verbs, subresources }: Kind): object => {
  const responseKind = { group: r.group, version: r.version, kind: r.kind };
  return {
    resource: r.resource,
    responseKind,
    scope: r.namespaced ? "Namespaced" : "Cluster",
    singularResource: r.singular,
    verbs,
    ...(r.shortNames.length > 0 && { shortNames: r.shortNames }),
    ...(r.categories.length > 0 && { categories: r.categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map((s) => ({
        subresource: s.name,
        responseKind: s.responseKind ?? responseKind,
        verbs: s.verbs,
      })),
    }),
  };
};

/** `GET /api` (`core`) and `GET /apis` (all other groups), aggregated: every resource of every version in one document. */
export const groupDiscoveryList = (kinds: readonly Kind[], part: "core" | "groups", discovery: DiscoveryVersion): object => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: `apidiscovery.k8s.io/${discovery}`,
  metadata: {},
  items: (part === "core" ? [""] : groupsOf(kinds)).map((group) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: versionsOf(kinds, group).map((version) => ({
      version,
      freshness: "Current",
      resources: kinds.filter((k) => k.resource.group === group && k.resource.version === version).map(discoveredResource),
    })),
  })),
});

/** The aggregated version that a client prefers, from its Accept header; undefined: it wants the legacy document. */
export function acceptedDiscovery(accept: string): DiscoveryVersion | undefined {
  for (const entry of accept.split(",")) {
    const [type, ...parameters] = entry.split(";").map((s) => s.trim());
    if (type !== "application/json") continue;
    const p = Object.fromEntries(parameters.map((s) => s.split("=", 2) as [string, string]));
    const version = DISCOVERY_VERSIONS.find((v) => v === p.v);
    if (p.g === "apidiscovery.k8s.io" && p.as === "APIGroupDiscoveryList" && version) return version;
    // Plain JSON, named before any aggregated form.
    if (p.as === undefined) return undefined;
  }
  return undefined;
}

/** Mounts `/api`, `/apis` and what lies below them up to a group version. */
export function discoveryRoutes(router: Router, kinds: readonly Kind[] = KINDS): void {
  const root = (path: string, part: "core" | "groups", legacy: object): void => {
    router.get(path, (ctx) => {
      ctx.vary("Accept");
      const version = acceptedDiscovery(ctx.get("Accept"));
      ctx.body = JSON.stringify(version ? groupDiscoveryList(kinds, part, version) : legacy);
      ctx.set("Content-Type", `application/json${version ? `;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList` : ""}`);
    });
  };
  root("/api", "core", apiVersions(kinds));
  root("/apis", "groups", apiGroupList(kinds));
  const fixed = (path: string, document: object | undefined): void => {
    router.get(path, (ctx) => {
      ctx.body = document;
    });
  };
  for (const version of versionsOf(kinds, "")) fixed(`/api/${version}`, apiResourceList(kinds, "", version));
  for (const group of groupsOf(kinds)) {
    fixed(`/apis/${group}`, apiGroup(kinds, group));
    for (const version of versionsOf(kinds, group)) fixed(`/apis/${group}/${version}`, apiResourceList(kinds, group, version));
  }
}
