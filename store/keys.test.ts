// Keys of objects, spelled and read.
import { expect, it } from "vitest";
import { RESOURCES } from "../schemas/resources.ts";
import { objectKey, parseObjectKey } from "./keys.ts";

it("reads what it spells, and nothing else", () => {
  expect(parseObjectKey(objectKey(RESOURCES.stacks, "default", "shop"))).toEqual({
    group: "steadfleet.dev",
    resource: "stacks",
    namespace: "default",
    name: "shop",
  });
  expect(parseObjectKey(objectKey(RESOURCES.nodes, undefined, "n1"))).toEqual({ group: "", resource: "nodes", name: "n1" });
  for (const key of ["/steadfleet/objects/core/nodes/_/", "/steadfleet/objects/core/nodes/_/a/b", "/steadfleet/nodes/n1/info", "/x"])
    expect(parseObjectKey(key)).toBeUndefined();
});
