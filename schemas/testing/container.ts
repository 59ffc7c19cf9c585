import type { ContainerSpec } from "../fleet.ts";

/** A container with every default said, for tests that care about little of it. */
export const aContainer = (o: Partial<ContainerSpec> = {}): ContainerSpec => ({
  image: "app:1",
  pullPolicy: "missing",
  env: {},
  labels: {},
  stopGraceMs: 10_000,
  init: false,
  readOnly: false,
  capAdd: [],
  capDrop: [],
  restart: { policy: "unless-stopped" },
  ports: [],
  mounts: [],
  networks: [],
  limits: {},
  ...o,
});
