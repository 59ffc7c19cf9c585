// A small typed client of the API for tests: what curl would do.
import { Agent, type RequestOptions, request } from "node:https";
import { request as plainRequest } from "node:http";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES, type ResourceName } from "../../schemas/resources.ts";

/** An answer with a code of 400 or more; `status` is the API's Status object. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly code: number,
    readonly status: { reason?: string; message?: string; details?: unknown },
    where: string,
  ) {
    super(`${where}: ${code} ${status.reason ?? ""}: ${status.message ?? JSON.stringify(status)}`);
  }
}

export interface ClientOptions {
  /** "https://127.0.0.1:7443" */
  server: string;
  token: string;
  /** PEM of the CA; absent for plain HTTP. */
  ca?: string;
}

export class Client {
  readonly #agent: Agent;
  constructor(readonly options: ClientOptions) {
    this.#agent = new Agent({ keepAlive: true, ...(options.ca ? { ca: options.ca } : {}) });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @throws ApiError */
  request<T>(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<T> {
    const url = new URL(path, this.options.server);
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${this.options.token}`,
      accept: "application/json",
      ...(payload ? { "content-type": contentType } : {}),
    };
    const secure = url.protocol === "https:";
    const settings: RequestOptions = { method, headers, timeout: 30_000, ...(secure ? { agent: this.#agent } : {}) };
    return new Promise((resolve, reject) => {
      const call = (secure ? request : plainRequest)(url, settings, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.once("error", reject);
        answer.once("end", () => {
          const text = Buffer.concat(parts).toString("utf8");
          const code = answer.statusCode ?? 0;
          try {
            if (code >= 400) reject(new ApiError(code, JSON.parse(text) as object, `${method} ${path}`));
            else resolve((text === "" ? undefined : JSON.parse(text)) as T);
          } catch (error) {
            reject(new Error(`${method} ${path}: ${code}: not JSON: ${text.slice(0, 300)}`, { cause: error }));
          }
        });
      });
      call.once("timeout", () => call.destroy(new Error(`${method} ${path}: no answer in 30 s`)));
      call.once("error", reject);
      call.end(payload);
    });
  }

  path(resource: ResourceName, namespace: string | undefined, name?: string): string {
    const { group, version, namespaced } = RESOURCES[resource];
    const top = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    return [top, ...(namespaced && namespace ? ["namespaces", namespace] : []), resource, ...(name ? [name] : [])].join("/");
  }

  get<T extends KubeObject>(resource: ResourceName, name: string, namespace = "default"): Promise<T> {
    return this.request("GET", this.path(resource, namespace, name));
  }

  /** Undefined when there is none. */
  async find<T extends KubeObject>(resource: ResourceName, name: string, namespace = "default"): Promise<T | undefined> {
    try {
      return await this.get<T>(resource, name, namespace);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  async list<T extends KubeObject>(resource: ResourceName, query: Record<string, string> = {}, namespace = "default"): Promise<T[]> {
    const path = `${this.path(resource, namespace)}?${new URLSearchParams(query).toString()}`;
    return (await this.request<{ items: T[] }>("GET", path)).items;
  }

  /** Creates it, or replaces its spec, labels and annotations when it exists. */
  async apply<T extends KubeObject>(resource: ResourceName, object: Manifest<T>): Promise<T> {
    const namespace = object.metadata.namespace ?? "default";
    const current = await this.find<T>(resource, object.metadata.name, namespace);
    if (current === undefined) return this.request("POST", this.path(resource, namespace), object);
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: current.metadata.resourceVersion } };
    return this.request("PUT", this.path(resource, namespace, object.metadata.name), next);
  }

  patch<T extends KubeObject>(resource: ResourceName, name: string, patch: object, namespace = "default"): Promise<T> {
    return this.request("PATCH", this.path(resource, namespace, name), patch, "application/merge-patch+json");
  }

  async delete(resource: ResourceName, name: string, namespace = "default"): Promise<void> {
    await this.request("DELETE", this.path(resource, namespace, name));
  }
}

/** An object as a person writes it. */
export type Manifest<T extends KubeObject> = Omit<T, "metadata" | "status"> & {
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
};
