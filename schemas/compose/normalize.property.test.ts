import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadSchema } from "../load.ts";
import { arbitraryOf } from "../testing/arbitrary.ts";
import { normalizeValid } from "../testing/compose.ts";
import { lastTmpfs, longSettings } from "../testing/long-form.ts";
import { someService } from "../testing/services.ts";
import type { FileSpec, NetworkAttachment } from "../fleet.ts";
import type { ComposeFile, ComposeService, ComposeServiceNetwork, StackSpec } from "../types.ts";
import { normalize } from "./normalize.ts";
import type { NormalService } from "./normal.ts";

const bodies = arbitraryOf(loadSchema("compose"), "compose") as fc.Arbitrary<StackSpec>;

describe("whatever the schema lets through", () => {
  it("gets an answer, the same each time, and stays as it was", () => {
    let normal = 0;
    fc.assert(
      fc.property(bodies, (spec) => {
        const before = structuredClone(spec);
        const stack = { metadata: { name: "shop" }, spec };
        const result = normalize(stack);
        expect(normalize(stack)).toEqual(result);
        expect(spec).toEqual(before);
        if (result.normal) normal++;
        else expect(result.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
    expect(normal, "some bodies are sound").toBeGreaterThan(10);
  });
});

const file = (f: FileSpec): ComposeFile => ({
  source: f.key,
  target: f.target,
  ...(f.uid === undefined ? {} : { uid: f.uid }),
  ...(f.gid === undefined ? {} : { gid: Number(f.gid) }),
  mode: f.mode.toString(8).padStart(4, "0"),
});

const attachment = (n: NetworkAttachment): ComposeServiceNetwork => ({
  aliases: n.aliases,
  ...(n.ipv4 ? { ipv4_address: n.ipv4 } : {}),
  ...(n.ipv6 ? { ipv6_address: n.ipv6 } : {}),
  link_local_ips: n.linkLocalIps ?? null,
  ...(n.macAddress ? { mac_address: n.macAddress } : {}),
  driver_opts: n.driverOpts ?? {},
  priority: n.priority ?? 0,
  gw_priority: n.gwPriority ?? 0,
  ...(n.interfaceName ? { interface_name: n.interfaceName } : {}),
});

const deployment = (s: NormalService): NonNullable<ComposeService["deploy"]> => {
  const { limits, deviceRequests } = s.container;
  return {
    mode: s.job ? `${s.mode}-job` : s.mode,
    ...(s.mode === "global" ? {} : { replicas: String(s.replicas) }),
    placement: { constraints: s.constraints.map((k) => k.text) },
    resources: {
      limits: {
        ...(limits.cpus ? { cpus: limits.cpus } : {}),
        ...(limits.memoryBytes ? { memory: limits.memoryBytes } : {}),
        ...(limits.pids ? { pids: limits.pids } : {}),
      },
      reservations: {
        ...(s.reservations?.cpus === undefined ? {} : { cpus: s.reservations.cpus }),
        ...(s.reservations?.memoryBytes === undefined ? {} : { memory: s.reservations.memoryBytes }),
        devices: (deviceRequests ?? []).map(({ capabilities: [capabilities = []], count, deviceIds, driver, options }) => ({
          capabilities,
          ...(count === undefined ? {} : { count }),
          ...(deviceIds ? { device_ids: deviceIds } : {}),
          ...(driver ? { driver } : {}),
          ...(options ? { options } : {}),
        })),
      },
    },
  };
};

const extension = (s: NormalService): NonNullable<ComposeService["x-steadfleet"]> => ({
  ...(s.restartedAt === undefined ? {} : { restartedAt: s.restartedAt }),
  ...(s.paused ? { paused: true } : {}),
  ...(s.imagePullSecrets ? { imagePullSecrets: s.imagePullSecrets } : {}),
  ...(s.job?.parallelism ? { parallelism: s.job.parallelism } : {}),
  ...(s.job && s.container.restart.policy !== "no" ? { backoffLimit: s.job.backoffLimit } : {}),
  ...(s.job?.schedule
    ? {
        schedule: s.job.schedule.cron,
        timeZone: s.job.schedule.timeZone,
        concurrencyPolicy: s.job.schedule.concurrencyPolicy,
        history: s.job.schedule.history,
        suspend: s.job.schedule.suspend === true,
      }
    : {}),
});

/** The long form that says what the normal form says. */
const longForm = (s: NormalService): ComposeService => {
  const c = s.container;
  const check = c.healthcheck;
  return {
    ...longSettings(c),
    image: c.image,
    ...(c.command ? { command: c.command } : {}),
    ...(c.entrypoint ? { entrypoint: c.entrypoint } : {}),
    environment: c.env,
    labels: c.labels,
    ...(c.user ? { user: c.user } : {}),
    ...(c.workingDir ? { working_dir: c.workingDir } : {}),
    ...(c.hostname ? { hostname: c.hostname } : {}),
    ...(c.stopSignal ? { stop_signal: c.stopSignal } : {}),
    stop_grace_period: `${c.stopGraceMs}ms`,
    init: c.init,
    read_only: c.readOnly,
    cap_add: c.capAdd,
    cap_drop: c.capDrop,
    restart: c.restart.maxRetries ? `${c.restart.policy}:${c.restart.maxRetries}` : c.restart.policy,
    ...(check && "disable" in check ? { healthcheck: { disable: true } } : {}),
    ...(check && "test" in check
      ? {
          healthcheck: {
            test: check.test,
            interval: `${check.intervalMs}ms`,
            timeout: `${check.timeoutMs}ms`,
            retries: check.retries,
            start_period: `${check.startPeriodMs}ms`,
            ...(check.startIntervalMs === undefined ? {} : { start_interval: `${check.startIntervalMs}ms` }),
          },
        }
      : {}),
    ports: c.ports.map((p) => ({
      target: p.target,
      ...(p.published ? { published: p.published } : {}),
      protocol: p.protocol,
      ...(p.hostIp ? { host_ip: p.hostIp } : {}),
    })),
    volumes: c.mounts.slice(0, c.mounts.length - lastTmpfs(c.mounts).length).map((m) => {
      if (m.type === "tmpfs")
        return {
          type: m.type,
          target: m.target,
          tmpfs: { ...(m.sizeBytes ? { size: m.sizeBytes } : {}), ...(m.mode === undefined ? {} : { mode: m.mode }) },
        };
      if (m.type === "bind")
        return {
          type: m.type,
          source: m.source,
          target: m.target,
          read_only: m.readOnly,
          bind: {
            create_host_path: m.createHostPath,
            ...(m.propagation ? { propagation: m.propagation as "shared" } : {}),
            ...(m.selinux ? { selinux: m.selinux } : {}),
            ...(m.recursive ? { recursive: m.recursive } : {}),
          },
        };
      return {
        type: m.type,
        ...(m.volume ? { source: m.volume.key } : {}),
        target: m.target,
        read_only: m.readOnly,
        volume: { nocopy: m.nocopy === true, ...(m.subpath ? { subpath: m.subpath } : {}), labels: m.labels ?? null },
      };
    }),
    networks: Object.fromEntries(c.networks.map((n) => [n.key, attachment(n)])),
    depends_on: Object.fromEntries(
      s.dependsOn.map((d) => [d.service, { condition: d.condition, restart: d.restart === true, required: d.optional !== true }]),
    ),
    configs: (c.files ?? []).flatMap((f) => (f.kind === "config" ? [file(f)] : [])),
    secrets: (c.files ?? []).flatMap((f) => (f.kind === "secret" ? [file(f)] : [])),
    deploy: deployment(s),
    "x-steadfleet": extension(s),
  };
};

/** One service with a few keys, whose values mean something, beside another one. */
const sound = someService.map(
  (web): StackSpec => ({
    services: { web, db: { image: "postgres", ipc: "shareable" } },
    networks: { back: null },
    volumes: { data: null },
  }),
);

describe("a normal form written out in long form", () => {
  it("is normalised to itself, whatever keys a service has", () => {
    let normals = 0;
    fc.assert(
      fc.property(sound, (spec) => {
        const { normal } = normalizeValid(spec);
        if (!normal) return;
        normals++;
        const again: StackSpec = { ...spec, services: Object.fromEntries(normal.services.map((s) => [s.name, longForm(s)])) };
        expect(normalizeValid(again).normal).toEqual(normal);
      }),
      { numRuns: 500 },
    );
    expect(normals, "most are sound").toBeGreaterThan(150);
  });

  it("is normalised to itself", () => {
    fc.assert(
      fc.property(bodies, (spec) => {
        const { normal } = normalize({ metadata: { name: "shop" }, spec });
        if (!normal) return;
        const again: StackSpec = { ...spec, services: Object.fromEntries(normal.services.map((s) => [s.name, longForm(s)])) };
        expect(normalizeValid(again).normal).toEqual(normal);
      }),
      { numRuns: 300 },
    );
  });
});
