import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { canonicalJson } from "./canonical.ts";
import { compile, templateHash } from "./compile.ts";
import { aContainer } from "../schemas/testing/container.ts";
import { service } from "./testing/builders.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

describe("compile", () => {
  const base = templateHash(aContainer());
  for (const [what, change, same] of [
    ["limits", { limits: { cpus: 2 } }, true],
    ["restart", { restart: { policy: "no" } }, true],
    ["image", { image: "app:2" }, false],
    ["an environment variable", { env: { A: "1" } }, false],
    ["stop_grace_period", { stopGraceMs: 1 }, false],
    ["a label of the container", { labels: { a: "b" } }, false],
  ] as const) {
    it(`${what}: ${same ? "the same pod, changed in place" : "another pod"}`, () => {
      expect(templateHash(aContainer(change)) === base).toBe(same);
    });
  }

  it("a restart that is asked for: another pod; who pauses changes nothing", () => {
    const hashes = (o: object) => {
      const { revisionHash, services } = compile({ services: [service("a", o)] });
      return [revisionHash, services[0]?.templateHash];
    };
    const [revision, template] = hashes({});
    const restarted = hashes({ restartedAt: "2026-01-01T00:00:00Z" });
    expect(restarted[0]).not.toBe(revision);
    expect(restarted[1]).not.toBe(template);
    expect(hashes({ restartedAt: "2026-01-01T00:00:01Z" })[1]).not.toBe(restarted[1]);
    expect(hashes({ paused: true })).toEqual([revision, template]);
  });

  it("knows a revision by everything in it, in whatever order it was written", () => {
    const [a, b] = [service("a"), service("b", { replicas: 2 })];
    const hash = compile({ services: [a, b] }).revisionHash;
    expect(compile({ services: [b, a] }).revisionHash).toBe(hash);
    expect(compile({ services: [a, service("b", { replicas: 3 })] }).revisionHash).not.toBe(hash);
    expect(compile({ services: [a, service("b", { replicas: 2, container: { limits: { cpus: 1 } } })] }).revisionHash).not.toBe(hash);
    expect(compile({ services: [a] }).revisionHash).not.toBe(hash);
  });

  it("puts services that share a network or a volume on one node, and lets a lone one spread", () => {
    const { services, groups } = compile({
      services: [
        service("web", { networks: ["front"] }),
        service("api", { networks: ["front", "back"] }),
        service("db", { networks: ["back"], volumes: ["data"] }),
        service("alone", { networks: ["own"] }),
        service("files", { networks: ["f"], volumes: ["files"] }),
        service("log", { mode: "global", networks: ["front"] }),
      ],
    });
    expect(groups).toEqual([
      { id: "api", services: ["api", "db", "web"], volumes: ["data"] },
      { id: "files", services: ["files"], volumes: ["files"] },
    ]);
    expect(services.map((s) => [s.name, s.group])).toEqual([
      ["alone", undefined],
      ["api", "api"],
      ["db", "api"],
      ["files", "files"],
      ["log", undefined],
      ["web", "api"],
    ]);
  });

  it("gives one text for one value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(canonicalJson({ b: 1, a: undefined, c: [{ z: 1, y: 2 }] })).toBe('{"b":1,"c":[{"y":2,"z":1}]}');
  });
});
