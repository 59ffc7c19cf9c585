import { describe, expect, it } from "vitest";
import { acceptedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions, groupDiscoveryList } from "./discovery.ts";
import { KINDS } from "./kinds/index.ts";

/** With one subresource of its own kind, and one of another. */
const stacks = KINDS.filter((k) => k.resource.resource === "stacks").map((k) => ({
  ...k,
  subresources: k.subresources.filter((s) => s.name === "status" || s.name === "scale"),
}));
const ALL = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

describe("legacy discovery", () => {
  it("lists the core version and the groups", () => {
    expect(apiVersions(KINDS)).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
    const version = { groupVersion: "steadfleet.dev/v1", version: "v1" };
    expect(apiGroupList(stacks)).toEqual({
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: [{ name: "steadfleet.dev", versions: [version], preferredVersion: version }],
    });
    expect(apiGroup(KINDS, "steadfleet.dev")).toMatchObject({ kind: "APIGroup", name: "steadfleet.dev" });
  });

  it("says what a kind and its subresources can do", () => {
    expect(apiResourceList(stacks, "steadfleet.dev", "v1")).toEqual({
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: "steadfleet.dev/v1",
      resources: [
        {
          name: "stacks",
          singularName: "stack",
          namespaced: true,
          kind: "Stack",
          verbs: ALL,
          shortNames: ["stk"],
          categories: ["all"],
        },
        { name: "stacks/status", singularName: "", namespaced: true, kind: "Stack", verbs: ["get", "patch", "update"] },
        {
          name: "stacks/scale",
          singularName: "",
          namespaced: true,
          group: "autoscaling",
          version: "v1",
          kind: "Scale",
          verbs: ["get", "patch", "update"],
        },
      ],
    });
  });

  it("lists every kind once, where it belongs", () => {
    for (const { resource: r, verbs } of KINDS) {
      const { resources } = apiResourceList(KINDS, r.group, r.version) as { resources: { name: string; verbs: string[] }[] };
      expect(resources.filter((x) => x.name === r.resource)).toEqual([expect.objectContaining({ kind: r.kind, verbs })]);
    }
  });

  it("knows no group and no version that is not served", () => {
    expect(apiGroup(KINDS, "no.such.group")).toBeUndefined();
    expect(apiGroup(KINDS, "")).toBeUndefined();
    expect(apiResourceList(KINDS, "steadfleet.dev", "v2")).toBeUndefined();
  });
});

describe("aggregated discovery", () => {
  it("says all of a group in one document", () => {
    const responseKind = { group: "steadfleet.dev", version: "v1", kind: "Stack" };
    expect(groupDiscoveryList(stacks, "groups", "v2")).toEqual({
      kind: "APIGroupDiscoveryList",
      apiVersion: "apidiscovery.k8s.io/v2",
      metadata: {},
      items: [
        {
          metadata: { name: "steadfleet.dev", creationTimestamp: null },
          versions: [
            {
              version: "v1",
              freshness: "Current",
              resources: [
                {
                  resource: "stacks",
                  responseKind,
                  scope: "Namespaced",
                  singularResource: "stack",
                  verbs: ALL,
                  shortNames: ["stk"],
                  categories: ["all"],
                  subresources: [
                    { subresource: "status", responseKind, verbs: ["get", "patch", "update"] },
                    {
                      subresource: "scale",
                      responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
                      verbs: ["get", "patch", "update"],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it("names the group of evictions, which old kubectls look for before they drain", () => {
    expect(JSON.stringify(apiGroupList(KINDS))).toContain('"policy/v1"');
    expect(apiResourceList(KINDS, "policy", "v1")).toMatchObject({ resources: [] });
    const core = apiResourceList(KINDS, "", "v1") as { resources: { name: string }[] };
    expect(core.resources.find((r) => r.name === "pods/eviction")).toMatchObject({ group: "policy", version: "v1", kind: "Eviction" });
  });

  it("keeps the core group apart, without a name", () => {
    const core = groupDiscoveryList(KINDS, "core", "v2beta1") as { apiVersion: string; items: { metadata: { name: string } }[] };
    expect(core.apiVersion).toBe("apidiscovery.k8s.io/v2beta1");
    expect(core.items.map((i) => i.metadata.name)).toEqual([""]);
  });
});

const AGGREGATED = (v: string) => `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`;

describe("acceptedDiscovery", () => {
  it.each([
    { who: "kubectl 1.32", accept: `${AGGREGATED("v2")},${AGGREGATED("v2beta1")},application/json`, want: "v2" },
    { who: "kubectl 1.27", accept: `${AGGREGATED("v2beta1")},application/json`, want: "v2beta1" },
    { who: "kubectl 1.20", accept: "application/json, */*", want: undefined },
    { who: "a client from the future", accept: `${AGGREGATED("v3")},${AGGREGATED("v2")}`, want: "v2" },
    { who: "one that prefers the old form", accept: `application/json, ${AGGREGATED("v2")}`, want: undefined },
    { who: "curl", accept: "*/*", want: undefined },
    { who: "one that says nothing", accept: "", want: undefined },
  ])("$who gets $want", ({ accept, want }) => {
    expect(acceptedDiscovery(accept)).toBe(want);
  });
});
