// An upgrade replaces no container: what Stacks could say before says the same today.
import { describe, expect, it } from "vitest";
import { normalizeValid } from "../schemas/testing/compose.ts";
import type { StackSpec } from "../schemas/types.ts";
import { compile } from "./compile.ts";

const spec: StackSpec = {
  services: {
    a: {
      image: "nginx:1",
      volumes: [
        "data:/d:ro",
        "/srv:/srv:rshared",
        "/cache",
        { type: "tmpfs", target: "/t", tmpfs: { size: "1m", mode: 511 } },
        { type: "bind", source: "/a", target: "/b" },
      ],
      networks: { back: { aliases: ["w"] }, lan: null },
      depends_on: { b: { condition: "service_healthy" } },
      restart: "on-failure:3",
      deploy: { replicas: 2, resources: { limits: { cpus: "0.5", memory: "64M" } } },
    },
    b: {
      image: "redis",
      healthcheck: { test: "x" },
      networks: ["back"],
      command: "a b",
      environment: ["A=1"],
      labels: { a: "b" },
      user: "1",
      init: true,
      cap_add: ["NET_ADMIN"],
    },
    c: { image: "busybox", deploy: { mode: "global" } },
  },
  networks: { back: {}, lan: { external: true, name: "office" } },
  volumes: { data: { name: "d2" } },
};

describe("a Stack with the first keys only", () => {
  it("has the revision and the templates that it had with the first release", () => {
    const { normal } = normalizeValid(spec, { name: "x", namespace: "default" });
    if (!normal) throw new Error("not valid");
    const { revisionHash, services } = compile(normal);
    expect([revisionHash, ...services.map((s) => s.templateHash)]).toEqual([
      "094053402f878a3d",
      "1b873925e36718d1",
      "9ae99e58a36b5265",
      "4f03693841b16446",
    ]);
  });
});
