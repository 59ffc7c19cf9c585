import { describe, expect, it } from "vitest";
import type { KubeObject } from "../schemas/meta.ts";
import { pods } from "./kinds/pods.ts";
import { fieldSelector, labelSelector } from "./selectors.ts";

const pod = (labels: Record<string, string>, phase = "Running", nodeName = "n1"): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-0", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "", labels },
    spec: { nodeName },
    status: { phase },
  }) as KubeObject;

describe("label selectors", () => {
  it.each([
    ["a=1", { a: "1" }, true],
    ["a==1,b!=2", { a: "1" }, true],
    ["a=1,b!=2", { a: "1", b: "2" }, false],
    ["a in (1, 2)", { a: "2" }, true],
    ["a in (1,2),b", { a: "2" }, false],
    ["a notin (1,2)", {}, true],
    ["a notin (1,2)", { a: "1" }, false],
    ["!a", {}, true],
    ["! a", { a: "" }, false],
    ["a", { a: "" }, true],
    ["a=", { a: "" }, true],
    ["steadfleet.dev/stack=shop", { "steadfleet.dev/stack": "shop" }, true],
    ["toString", {}, false],
    ["", {}, true],
  ])("%s of %o is %s", (text, labels, want) => {
    expect(labelSelector(text)?.(pod(labels)) ?? true).toBe(want);
  });
  it.each(["a=b=c", "a in 1", "=1", "a,", "-a=1", "a in (x y)", "a=(1", "a=é", "x".repeat(5000)])("refuses %s", (text) => {
    expect(() => labelSelector(text)).toThrow(expect.objectContaining({ code: 400 }));
  });
});

describe("field selectors", () => {
  it.each([
    ["metadata.name=web-0", true],
    ["metadata.name!=web-0", false],
    ["spec.nodeName=n1,status.phase!=Succeeded,status.phase!=Failed", true],
    ["spec.nodeName==n2", false],
    ["metadata.namespace=default", true],
  ])("%s is %s", (text, want) => {
    expect(fieldSelector(pods, text)?.matches(pod({}))).toBe(want);
  });
  it("says which fields there are", () => {
    expect(() => fieldSelector(pods, "spec.foo=1")).toThrow(/field label not supported: spec.foo \(of pods.*spec.nodeName/);
    expect(() => fieldSelector(pods, "constructor=1")).toThrow(/not supported/);
  });
});
