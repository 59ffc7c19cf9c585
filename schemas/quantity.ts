// Amounts of memory and processors, as Compose writes them and as Kubernetes shows them.

const UNITS: Record<string, number> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Compose byte size → bytes: a number, or text with a unit b, k, m, g or t (kb, KiB, … too), powers of 1024. undefined: not one. Source: Compose specification, "Specifying byte values". */
export const parseBytes = (size: string | number): number | undefined => {
  if (typeof size === "number") return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  const match = /^(\d{1,15}(?:\.\d{1,15})?) ?(?:([kmgt])i?b?|b)?$/i.exec(size.trim());
  if (!match) return undefined;
  const bytes = Math.floor(Number(match[1]) * (UNITS[(match[2] ?? "").toLowerCase()] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
};

/** Compose `cpus` → cores, at least 0.01 (the engine refuses less). undefined: not a number of cores. */
export const parseCpus = (cpus: string | number): number | undefined => {
  const value = typeof cpus === "number" ? cpus : /^(\d{1,6}(\.\d{0,9})?|\.\d{1,9})$/.test(cpus.trim()) ? Number(cpus) : Number.NaN;
  return Number.isFinite(value) && value >= 0.01 ? value : undefined;
};

/** Bytes → Kubernetes quantity: `512Mi`, `16316412Ki`, `1000`. Exact. */
export const formatBytes = (bytes: number): string => {
  for (const [unit, size] of [
    ["Gi", 1024 ** 3],
    ["Mi", 1024 ** 2],
    ["Ki", 1024],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
};

/** Cores → Kubernetes quantity: `4`, `500m`. Rounded to a thousandth. */
export const formatCpus = (cores: number): string => {
  const milli = Math.round(cores * 1000);
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
};
