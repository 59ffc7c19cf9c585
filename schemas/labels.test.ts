import { describe, expect, it } from "vitest";
import {
  annotationsSize,
  dataKeyProblem,
  labelNameProblem,
  labelValueProblem,
  qualifiedNameProblem,
  subdomainProblem,
  suggestName,
} from "./labels.ts";

const ok = (problem: string | undefined): boolean => problem === undefined;

describe("syntax as in Kubernetes", () => {
  it.each([
    ["web", true],
    ["a-1", true],
    ["A", false],
    ["-a", false],
    ["a-", false],
    ["a.b", false],
    ["", false],
    ["a".repeat(63), true],
    ["a".repeat(64), false],
  ])("%j is a DNS label: %s", (name, valid) => expect(ok(labelNameProblem(name))).toBe(valid));

  it.each([
    ["a.b-c.d", true],
    ["a..b", false],
    ["a_b", false],
    ["a".repeat(254), false],
  ])("%j is a DNS subdomain: %s", (name, valid) => expect(ok(subdomainProblem(name))).toBe(valid));

  it.each([
    ["app", true],
    ["app.kubernetes.io/name", true],
    ["A_b.C-d", true],
    ["a/b/c", false],
    ["/a", false],
    ["a/", false],
    ["Upper.io/a", false],
    ["_a", false],
    ["a".repeat(64), false],
  ])("%j is a qualified name: %s", (name, valid) => expect(ok(qualifiedNameProblem(name))).toBe(valid));

  it.each([
    ["", true],
    ["1.2.3", true],
    ["a b", false],
    ["-a", false],
    ["a".repeat(64), false],
  ])("%j is a label value: %s", (value, valid) => expect(ok(labelValueProblem(value))).toBe(valid));

  it.each([
    ["nginx.conf", true],
    [".env", true],
    ["..", false],
    ["a/b", false],
    ["", false],
  ])("%j is a name in a config map: %s", (key, valid) => expect(ok(dataKeyProblem(key))).toBe(valid));

  it("suggests a valid name near an invalid one", () => {
    expect(suggestName("My_App")).toBe("my-app");
    expect(suggestName("__")).toBeUndefined();
    expect(suggestName("a".repeat(70), 30)).toBe("a".repeat(30));
  });

  it("counts annotations in bytes", () => expect(annotationsSize({ ä: "€" })).toBe(5));
});
