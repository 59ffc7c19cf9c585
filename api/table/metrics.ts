import type { KubeObject } from "../../schemas/meta.ts";
import type { NodeMetrics, PodMetrics } from "../../schemas/types.ts";
import type { Cell, TableShape } from "../kind.ts";
import { column, NAME } from "./cells.ts";

/** `250000000n` → `250m`, `10240Ki` → `10Mi`: as `kubectl top` shows them. */
const cells = (cpu: string | undefined, memory: string | undefined, window: string): Cell[] => [
  cpu === undefined ? "0m" : `${Math.ceil(Number.parseInt(cpu, 10) / 1e6)}m`,
  memory === undefined ? "0Mi" : `${Math.floor(Number.parseInt(memory, 10) / 1024)}Mi`,
  window,
];
const columns = [
  NAME,
  column("Cpu", "Processors in use, in thousandths of one."),
  column("Memory", "Memory in use, without page cache that could be dropped at once."),
  column("Window", "Time over which the processors' use is averaged."),
];

export const nodeMetricsTable: TableShape = {
  columns,
  cells: (o: KubeObject) => {
    const { metadata, usage, window } = o as unknown as NodeMetrics;
    return [metadata.name, ...cells(usage.cpu, usage.memory, window)];
  },
};

export const podMetricsTable: TableShape = {
  columns,
  cells: (o: KubeObject) => {
    const { metadata, containers, window } = o as unknown as PodMetrics;
    const [only] = containers;
    return [metadata.name, ...cells(only?.usage.cpu, only?.usage.memory, window)];
  },
};
