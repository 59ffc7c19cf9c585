// Measurements of the server, in Prometheus' text form.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { WatchCache } from "./cache/watch-cache.ts";
import type { Rates } from "./rates.ts";
import { type Kind, qualifiedResource } from "./kind.ts";
import type { OpenStreams } from "./streams/open-streams.ts";

export interface Metrics {
  registry: Registry;
  /** A request that is over. `seconds` until the last byte; of watches until they ended. */
  observe(verb: string, resource: string, code: number, seconds: number): void;
}

export function metricsOf(cache: WatchCache, rates: Rates, kinds: readonly Kind[], streams: Pick<OpenStreams, "count">): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const labelNames = ["verb", "resource"] as const;
  const requests = new Counter({
    name: "steadfleet_api_requests_total",
    help: "Requests, by verb, resource and code.",
    labelNames: [...labelNames, "code"] as const,
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "steadfleet_api_request_duration_seconds",
    help: "Time from the head of a request to the end of its answer; watches and logs are not in here.",
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  // Read when they are asked for.
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge("steadfleet_api_cache_revision", "Revision of the store that the watch cache has reached.", () => cache.revision);
  gauge("steadfleet_api_cache_synced", "1 while the watch cache is complete and connected.", () => Number(cache.synced));
  const watchers = new Gauge({
    name: "steadfleet_api_watchers",
    help: "Open watches, by resource.",
    labelNames: ["resource"] as const,
    registers: [registry],
    collect() {
      for (const kind of kinds)
        if (kind.verbs.includes("watch")) this.set({ resource: qualifiedResource(kind.resource) }, cache.of(kind).watchers);
    },
  });
  watchers.reset();
  const open = new Gauge({
    name: "steadfleet_api_streams",
    help: "Open logs, execs, attaches and port-forwards.",
    labelNames: ["type"] as const,
    registers: [registry],
    collect() {
      for (const type of ["log", "exec", "attach", "portforward"]) this.set({ type }, streams.count(type));
    },
  });
  open.reset();
  const refused = new Counter({
    name: "steadfleet_api_refused_total",
    help: "Requests refused with 429 since the start, by lane: reads, writes, watches, strangers.",
    labelNames: ["lane"] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const [lane, n] of Object.entries(rates.refused)) this.inc({ lane }, n);
    },
  });
  refused.reset();
  return {
    registry,
    observe: (verb, resource, code, took) => {
      requests.inc({ verb, resource, code });
      // Logs last as long as they are followed, as watches do.
      if (verb !== "watch" && !resource.endsWith("/log")) seconds.observe({ verb, resource }, took);
    },
  };
}
