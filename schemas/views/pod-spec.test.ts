import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalize } from "../compose/normalize.ts";
import type { ContainerSpec } from "../fleet.ts";
import { loadSchema } from "../load.ts";
import { Findings, formatProblem } from "../problems.ts";
import { aContainer } from "../testing/container.ts";
import { someService } from "../testing/services.ts";
import type { PodSpec } from "../types.ts";
import { check } from "../walk.ts";
import { templateSpecOf } from "./pod-spec.ts";

const shown = (c: Partial<ContainerSpec>): PodSpec => templateSpecOf("web", aContainer(c));
const plain = shown({});

/** What the pod says beyond one of a container that says nothing. */
const beyond = (spec: PodSpec): object => {
  const { containers, ...rest } = spec;
  const more = (all: object, known: object): object =>
    Object.fromEntries(Object.entries(all).filter(([key]) => !Object.hasOwn(known, key)));
  const ofContainer = more(containers[0] ?? {}, plain.containers[0] ?? {});
  return { ...more(rest, plain), ...(Object.keys(ofContainer).length > 0 ? { container: ofContainer } : {}) };
};

const problemsOf = (spec: PodSpec): string[] => {
  const out = new Findings();
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec };
  check({ schema: loadSchema("pod"), base: "pod" }, pod, [], out);
  return out.problems.map(formatProblem);
};

describe("a container in the words of Kubernetes", () => {
  it.each<[string, Partial<ContainerSpec>, object]>([
    ["a terminal", { tty: true, stdinOpen: true }, { container: { tty: true, stdin: true } }],
    ["the node's namespaces", { networkMode: "host", pid: "host", ipc: "host" }, { hostNetwork: true, hostPID: true, hostIPC: true }],
    [
      "others' namespaces, which Kubernetes has no word for",
      { networkMode: { service: "db" }, pid: { container: "x" }, ipc: "shareable" },
      {},
    ],
    [
      "rights",
      { privileged: true, user: "70:71", securityOpt: ["no-new-privileges", "seccomp=unconfined", "apparmor=mine"], capDrop: ["ALL"] },
      {
        container: {
          securityContext: {
            privileged: true,
            runAsUser: 70,
            runAsGroup: 71,
            allowPrivilegeEscalation: false,
            seccompProfile: { type: "Unconfined" },
            appArmorProfile: { type: "Localhost", localhostProfile: "mine" },
            capabilities: { drop: ["ALL"] },
          },
        },
      },
    ],
    ["a user by name, whose number only the image knows", { user: "nobody" }, {}],
    [
      "groups and kernel parameters",
      { groupAdd: ["mail", "999"], sysctls: { "net.core.somaxconn": "1024" } },
      { securityContext: { supplementalGroups: [999], sysctls: [{ name: "net.core.somaxconn", value: "1024" }] } },
    ],
    [
      "names",
      { dns: { servers: ["1.1.1.1"], search: ["x"], options: ["ndots:2", "rotate"] }, extraHosts: ["a:10.0.0.1", "b:10.0.0.1", "c:::1"] },
      {
        dnsConfig: { nameservers: ["1.1.1.1"], searches: ["x"], options: [{ name: "ndots", value: "2" }, { name: "rotate" }] },
        hostAliases: [
          { ip: "10.0.0.1", hostnames: ["a", "b"] },
          { ip: "::1", hostnames: ["c"] },
        ],
      },
    ],
    ["a runtime", { runtime: "nvidia" }, { runtimeClassName: "nvidia" }],
    [
      "memory that is kept for it",
      { limits: { memoryReservationBytes: 2 ** 20 } },
      { container: { resources: { requests: { memory: "1Mi" } } } },
    ],
    [
      "a health check",
      { healthcheck: { test: ["CMD-SHELL", "true || false"], intervalMs: 1500, timeoutMs: 1000, retries: 2, startPeriodMs: 5000 } },
      {
        container: {
          readinessProbe: {
            exec: { command: ["/bin/sh", "-c", "true || false"] },
            initialDelaySeconds: 5,
            periodSeconds: 2,
            timeoutSeconds: 1,
            failureThreshold: 2,
          },
        },
      },
    ],
    [
      "commands beside its own",
      { postStart: [{ command: ["a"] }, { command: ["b"] }], preStop: [{ command: ["c"] }] },
      { container: { lifecycle: { postStart: { exec: { command: ["a"] } }, preStop: { exec: { command: ["c"] } } } } },
    ],
    [
      "configs and secrets, never what is in them",
      {
        files: [
          {
            kind: "secret",
            key: "key",
            source: { kind: "Secret", name: "shop-db", item: "password" },
            target: "/run/secrets/key",
            mode: 0o400,
          },
          { kind: "config", key: "ini", source: { kind: "Inline", content: "a=b" }, target: "/etc/x.ini", mode: 0o444 },
        ],
      },
      {
        volumes: [
          { name: "secret-0", secret: { secretName: "shop-db", items: [{ key: "password", path: "key", mode: 0o400 }] } },
          { name: "config-1", stackConfig: { key: "ini" } },
        ],
        container: {
          volumeMounts: [
            { name: "secret-0", mountPath: "/run/secrets/key", readOnly: true, subPath: "key" },
            { name: "config-1", mountPath: "/etc/x.ini", readOnly: true },
          ],
        },
      },
    ],
  ])("has %s", (_name, container, want) => {
    expect(beyond(shown(container))).toEqual(want);
    expect(problemsOf(shown(container))).toEqual([]);
  });

  it("is a pod that the schema knows, whatever the service says", () => {
    fc.assert(
      fc.property(someService, (web) => {
        const spec = { services: { web, db: { image: "postgres" } }, networks: { back: null }, volumes: { data: null } };
        const { normal } = normalize({ metadata: { name: "shop" }, spec });
        for (const s of normal?.services ?? []) expect(problemsOf(templateSpecOf(s.name, s.container))).toEqual([]);
      }),
    );
  });
});
