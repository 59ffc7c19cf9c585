// A Compose project that runs → the Stack that takes it over. Networks and volumes stay what they are: external, by their names. Pure.
import { ADOPT, API_VERSION } from "../../schemas/constants.ts";
import type { ComposeProject } from "../../schemas/tunnel.ts";
import type { Manifest } from "../manifest/load.ts";

type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

export interface Import {
  manifest: Manifest;
  notes: string[];
}

export const stackOf = (project: ComposeProject, o: { name: string; namespace: string; node: string; replace: boolean }): Import => {
  const short = (name: string): string => {
    const rest = name.startsWith(`${project.name}_`) ? name.slice(project.name.length + 1) : name;
    return /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/.test(rest) ? rest : name.slice(0, 63);
  };
  const notes: string[] = [];
  const networks = new Map<string, string>();
  const volumes = new Map<string, string>();
  const ids = new Map(project.services.flatMap((s) => s.containers.map((c) => [c.id, s.name] as const)));
  const services: Obj = {};
  for (const s of project.services) {
    const { networks: joined, volumes: mounts, network_mode: mode, ...rest } = s.compose ?? {};
    const numbers = s.containers.map((c) => c.number);
    if (numbers.some((n, i) => n !== i + 1))
      notes.push(`${s.name}: its containers are numbered ${numbers.join(", ")}; those without a gap from 1 are taken over`);
    for (const c of s.containers) if (c.state !== "running") notes.push(`${s.name}: ${c.name} is ${c.state}; it will be started`);
    for (const name of Object.keys(isObj(joined) ? joined : {})) networks.set(short(name), name);
    const shared = typeof mode === "string" && mode.startsWith("container:") ? ids.get(mode.slice("container:".length)) : undefined;
    services[s.name] = {
      ...rest,
      ...(mode === undefined ? {} : { network_mode: shared ? `service:${shared}` : mode }),
      ...(isObj(joined) ? { networks: Object.fromEntries(Object.entries(joined).map(([name, n]) => [short(name), n])) } : {}),
      ...(Array.isArray(mounts)
        ? {
            volumes: mounts.map((m: unknown) => {
              if (!isObj(m) || m["type"] !== "volume" || typeof m["source"] !== "string") return m;
              volumes.set(short(m["source"]), m["source"]);
              return { ...m, source: short(m["source"]) };
            }),
          }
        : {}),
      deploy: {
        ...(s.containers.length > 1 ? { replicas: s.containers.length } : {}),
        placement: { constraints: [`node.hostname==${o.node}`] },
      },
    };
  }
  const external = (map: ReadonlyMap<string, string>): Obj =>
    Object.fromEntries([...map].map(([key, name]) => [key, { external: true, name }]));
  const adopt = JSON.stringify({ project: project.name, ...(o.replace ? { replace: true } : {}) });
  const spec = {
    services,
    ...(networks.size > 0 ? { networks: external(networks) } : {}),
    ...(volumes.size > 0 ? { volumes: external(volumes) } : {}),
  };
  const metadata = { name: o.name, namespace: o.namespace, annotations: { [ADOPT]: adopt } };
  return { manifest: { apiVersion: API_VERSION, kind: "Stack", metadata, spec }, notes };
};
