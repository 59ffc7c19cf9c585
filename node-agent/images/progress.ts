// How far a pull is, from the engine's lines: `3/7 layers, 42 MB of 120 MB`. Pure.

/** A line of a pull: what happens to a layer (or to the whole, without `id`). Bytes. */
export interface PullLine {
  id?: string;
  status?: string;
  current?: number;
  total?: number;
}

interface Layer {
  done: boolean;
  current: number;
  total: number;
}

/** Words that only layers have: the first line has the tag as its id. */
const LAYER = /^(Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Pull complete|Already exists)/;
const DONE = /^(Pull complete|Already exists)/;
const LOADED = /^(Verifying Checksum|Download complete|Extracting|Pull complete)/;

export class PullTally {
  private readonly layers = new Map<string, Layer>();

  /** Takes a line in. */
  add({ id, status = "", current, total }: PullLine): void {
    if (id === undefined || !LAYER.test(status)) return;
    const layer = this.layers.get(id) ?? { done: false, current: 0, total: 0 };
    this.layers.set(id, layer);
    if (status === "Downloading") {
      layer.total = Math.max(layer.total, total ?? 0);
      layer.current = Math.max(layer.current, current ?? 0);
    }
    if (LOADED.test(status)) layer.current = layer.total;
    if (DONE.test(status)) layer.done = true;
  }

  /** Empty before the first layer is known. */
  toString(): string {
    const all = [...this.layers.values()];
    if (all.length === 0) return "";
    const [current, total] = [all.reduce((sum, l) => sum + l.current, 0), all.reduce((sum, l) => sum + l.total, 0)];
    const layers = `${all.filter((l) => l.done).length}/${all.length} layers`;
    return total === 0 ? layers : `${layers}, ${bytes(current)} of ${bytes(total)}`;
  }
}

/** As registries count: a MB is a million bytes. */
const bytes = (n: number): string =>
  n < 1_000_000
    ? `${Math.ceil(n / 1_000)} kB`
    : n < 1_000_000_000
      ? `${Math.floor(n / 1_000_000)} MB`
      : `${(n / 1_000_000_000).toFixed(1)} GB`;
