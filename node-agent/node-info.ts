// What a node says about itself. Rounded so that an idle node has nothing new to say.
import { statfs } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import type { NodeCondition, NodeInfo } from "../schemas/fleet.ts";
import type { EngineInfo } from "./engine.ts";
import type { RuntimeState } from "./runtime.ts";

export interface NodeFacts {
  hostname: string;
  addresses: string[];
  /** undefined while the engine has never answered. */
  engine: EngineInfo | undefined;
  disk: { totalBytes: number; freeBytes: number };
  labels: Record<string, string>;
  containers: { ours: number; foreign: number };
  runtime: RuntimeState;
  agentVersion: string;
  /** What secrets for this node are sealed to. */
  publicKey: string;
  now: number;
}

/** Free share at which DiskPressure begins and ends. */
const PRESSURE = { begins: 0.15, ends: 0.2 };
/** Free space is told in steps of this share of the whole. */
const DISK_STEP = 0.01;

const UNKNOWN_ENGINE: EngineInfo = {
  id: "",
  name: "",
  version: "",
  apiVersion: "",
  os: process.platform,
  arch: process.arch,
  osImage: "",
  kernelVersion: "",
  cpus: 0,
  memoryBytes: 0,
  rootDir: "",
};

/** Pure. `previous`: what was said before, which decides what is news. */
export const nodeInfo = (f: NodeFacts, previous: NodeInfo | undefined): NodeInfo => {
  const engine = f.engine ?? UNKNOWN_ENGINE;
  const { totalBytes, freeBytes } = f.disk;
  const step = Math.max(1, totalBytes * DISK_STEP);
  const told = previous?.disk.freeBytes;
  const near = told !== undefined && previous?.disk.totalBytes === totalBytes && Math.abs(told - freeBytes) < step;
  const share = totalBytes > 0 ? freeBytes / totalBytes : 1;
  const pressed = previous?.conditions.some((c) => c.type === "DiskPressure" && c.status === "True") ?? false;
  const pressure = share < (pressed ? PRESSURE.ends : PRESSURE.begins);
  const percent = Math.floor(share * 100);
  const { available } = f.runtime;
  const condition = (type: NodeCondition["type"], status: boolean, reason: string, message: string): NodeCondition => {
    const before = previous?.conditions.find((c) => c.type === type);
    const word = status ? "True" : "False";
    return { type, status: word, reason, message, since: before?.status === word ? before.since : new Date(f.now).toISOString() };
  };
  return {
    hostname: f.hostname,
    addresses: [
      ...f.addresses.map((address) => ({ type: "InternalIP" as const, address })),
      { type: "Hostname" as const, address: f.hostname },
    ],
    os: engine.os,
    arch: engine.arch,
    osImage: engine.osImage,
    kernelVersion: engine.kernelVersion,
    engineVersion: engine.version,
    engineApiVersion: engine.apiVersion,
    agentVersion: f.agentVersion,
    cpus: engine.cpus,
    memoryBytes: engine.memoryBytes,
    disk: { totalBytes, freeBytes: near ? told : Math.round(freeBytes / step) * Math.round(step) },
    labels: f.labels,
    containers: f.containers,
    publicKey: f.publicKey,
    conditions: [
      condition("Ready", available, available ? "AgentReady" : f.runtime.reason, available ? "the engine answers" : f.runtime.message),
      condition("RuntimeUnavailable", !available, f.runtime.reason, f.runtime.message),
      condition(
        "DiskPressure",
        pressure,
        pressure ? "DiskAlmostFull" : "DiskHasSpace",
        // The share only where it matters: a number that moves is a write.
        pressure ? `less than ${Math.max(1, Math.ceil(percent / 5) * 5)} % of the engine's disk is free` : "the engine's disk has space",
      ),
    ],
  };
};

/** Addresses by which others may reach this machine, without those of Docker's own bridges. */
export const localAddresses = (): string[] =>
  Object.entries(networkInterfaces())
    .filter(([name]) => !/^(docker|br-|veth)/.test(name))
    .flatMap(([, list]) => list ?? [])
    .filter((a) => !a.internal && !a.address.startsWith("fe80:"))
    .map((a) => a.address);

export const localHostname = (): string => hostname();

/** Bytes of the file system that holds `dir`. */
export const diskOf = async (dir: string): Promise<NodeFacts["disk"]> => {
  const s = await statfs(dir);
  return { totalBytes: s.bsize * s.blocks, freeBytes: s.bsize * s.bavail };
};
