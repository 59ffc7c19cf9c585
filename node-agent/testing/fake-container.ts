// What a daemon shows of a container, and how that changes when it starts and ends: the data of the fake engine.
import type { ContainerInspect, CreateBody, ImageInspect } from "../engine.ts";

export const NEVER = "0001-01-01T00:00:00Z";

/** Of a container that has just been created. `now`: RFC 3339. */
export const inspectOf = (id: string, name: string, body: CreateBody, image: ImageInspect, now: string): ContainerInspect => {
  const inspect: ContainerInspect = {
    Id: id,
    Name: `/${name}`,
    Created: now,
    Image: image.Id,
    RestartCount: 0,
    State: { Status: "created", Paused: false, OOMKilled: false, ExitCode: 0, Error: "", StartedAt: NEVER, FinishedAt: NEVER },
    Config: fillIn(body, image, id),
    HostConfig: {
      ...structuredClone(body.HostConfig),
      RestartPolicy: body.HostConfig.RestartPolicy ?? { Name: "no", MaximumRetryCount: 0 },
    },
    NetworkSettings: { Ports: {}, Networks: {} },
  };
  delete (inspect.Config as Partial<CreateBody>).HostConfig;
  delete (inspect.Config as Partial<CreateBody>).NetworkingConfig;
  const { HostConfig: h } = inspect;
  if (h.Memory && !h.MemorySwap) h.MemorySwap = h.Memory * 2;
  return inspect;
};

export const asRunning = (i: ContainerInspect, now: string): void => {
  i.State = { ...i.State, Status: "running", Paused: false, Error: "", ExitCode: 0, StartedAt: now };
  if (i.Config.Healthcheck?.Test && i.Config.Healthcheck.Test[0] !== "NONE") i.State.Health = { Status: "starting" };
  for (const [name, e] of Object.entries(i.NetworkSettings.Networks ?? {}))
    if (name !== "none") Object.assign(e, { IPAddress: "10.0.0.2", Aliases: [...new Set([...(e.Aliases ?? []), i.Id.slice(0, 12)])] });
  i.NetworkSettings.Ports = Object.fromEntries(
    Object.entries(i.HostConfig.PortBindings ?? {}).map(([port, list]) => [
      port,
      (list ?? []).map((b) => ({ HostIp: b.HostIp || "0.0.0.0", HostPort: b.HostPort || "32768" })),
    ]),
  );
};

export const asExited = (i: ContainerInspect, code: number, now: string): void => {
  i.State = { ...i.State, Status: "exited", Paused: false, ExitCode: code, FinishedAt: now };
  delete i.State.Health;
  for (const e of Object.values(i.NetworkSettings.Networks ?? {})) e.IPAddress = "";
  i.NetworkSettings.Ports = {};
};

export const attributes = (i: ContainerInspect): Record<string, string> => ({
  ...i.Config.Labels,
  name: i.Name.slice(1),
  image: i.Config.Image,
});

export const hasLabel = (labels: Record<string, string>, wanted: string): boolean =>
  Object.entries(labels).some(([k, v]) => `${k}=${v}` === wanted);

export const portsOf = (i: ContainerInspect): string[] =>
  Object.entries(i.HostConfig.PortBindings ?? {}).flatMap(([port, list]) =>
    (list ?? []).filter((b) => b.HostPort).map((b) => `${b.HostPort}/${port.split("/")[1]}`),
  );

/** As the daemon merges the image in. */
const fillIn = (body: CreateBody, image: ImageInspect, id: string): CreateBody => {
  const own = image.Config;
  const names = new Set((body.Env ?? []).map((e) => e.split("=")[0]));
  const entrypoint = body.Entrypoint ?? own?.Entrypoint ?? null;
  return {
    ...structuredClone(body),
    Hostname: body.Hostname ?? id.slice(0, 12),
    Env: [...(body.Env ?? []), ...(own?.Env ?? []).filter((e) => !names.has(e.split("=")[0]))],
    Cmd: body.Cmd ?? (body.Entrypoint ? null : (own?.Cmd ?? null)),
    Entrypoint: entrypoint,
    Labels: { ...own?.Labels, ...body.Labels },
    User: body.User ?? own?.User ?? "",
    WorkingDir: body.WorkingDir ?? own?.WorkingDir ?? "",
    StopSignal: body.StopSignal ?? own?.StopSignal ?? "SIGTERM",
  };
};
