import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { labelNameProblem } from "./labels.ts";
import { containerName, networkName, podName, podSuffix, projectName } from "./names.ts";

const identity = { stack: "shop", stackUid: "u1", service: "web", slot: "0", templateHash: "t1", node: "n1" };
const free = (): boolean => false;

describe("names of pods", () => {
  it("read as stack, service, slot and a suffix", () => {
    expect(podName(identity, free)).toMatch(/^shop-web-0-[a-z0-9]{5}$/);
  });

  it("are the same for the same world, and another when the first is taken", () => {
    const first = podName(identity, free);
    expect(podName({ ...identity }, free)).toBe(first);
    const second = podName(identity, (name) => name === first);
    expect(second).not.toBe(first);
    expect(second.endsWith(podSuffix(identity, 1))).toBe(true);
  });

  it.each(["stackUid", "service", "slot", "templateHash", "node"] as const)("differ by %s", (part) => {
    expect(podSuffix({ ...identity, [part]: "other" }, 0)).not.toBe(podSuffix(identity, 0));
  });

  it("take Compose's upper case, dots and underscores into host names", () => {
    expect(podName({ ...identity, service: "My_App.v2", slot: "node.example" }, free)).toMatch(/^shop-my-app-v2-node-example-/);
  });

  it("are host names of at most 63 characters, whatever the parts", () => {
    const part = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/);
    fc.assert(
      fc.property(part, part, part, (stack, service, slot) => {
        expect(labelNameProblem(podName({ ...identity, stack: `s${stack.toLowerCase()}`, service, slot }, free))).toBeUndefined();
      }),
    );
  });
});

describe("names on the engine", () => {
  it.each([
    ["default", "shop", "shop-web-0-abcde", "shop_front"],
    ["prod", "prod_shop", "prod_shop-web-0-abcde", "prod_shop_front"],
  ])("in the namespace %s begin with it unless it is the default", (namespace, project, container, network) => {
    expect(projectName(namespace, "shop")).toBe(project);
    expect(containerName(namespace, "shop-web-0-abcde")).toBe(container);
    expect(networkName(project, "front")).toBe(network);
  });
});
