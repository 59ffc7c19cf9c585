import { describe, expect, it } from "vitest";
import type { ComposeService } from "../types.ts";
import { replicasOf, withReplicas } from "./replicas.ts";

type Body = Partial<ComposeService>;

describe("the number of replicas", () => {
  it.each<[Body, number, Body]>([
    [{}, 1, { deploy: { replicas: 5 } }],
    [{ scale: 3 }, 3, { scale: 5 }],
    [{ deploy: { replicas: 2 } }, 2, { deploy: { replicas: 5 } }],
    [{ scale: 2, deploy: { replicas: 2 } }, 2, { deploy: { replicas: 5 } }],
    [{ scale: 2, deploy: { mode: "replicated" } }, 2, { scale: 5, deploy: { mode: "replicated" } }],
  ])("of %j is %i, and is changed where it stands", (service, number, changed) => {
    expect(replicasOf(service)).toBe(number);
    expect(withReplicas(service, 5)).toEqual(changed);
    expect(replicasOf(withReplicas(service, undefined))).toBe(1);
  });
});
