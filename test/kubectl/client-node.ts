// What an independent client library does with the API: rows for docs/kubernetes.md, each a small program on @kubernetes/client-node.
import { PassThrough, Readable, Writable } from "node:stream";
import {
  AppsV1Api,
  Attach,
  AuthorizationV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  type KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  Metrics,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
  type V1Pod,
  type V1Status,
  Watch,
} from "@kubernetes/client-node";
import { expect } from "vitest";
import { until } from "../harness/until.ts";

export interface Row {
  /** In the words of the library. */
  what: string;
  kind: string;
  run(at: Place): Promise<void>;
}

export interface Place {
  config: KubeConfig;
  namespace: string;
  /** Name of a running pod of the Stack `lib`, image web:1, one service `web`. */
  pod: string;
}

const stack = (name: string, image = "steadfleet.local/web:1") => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: { name } as { name: string; resourceVersion?: string },
  spec: { services: { web: { image, deploy: { replicas: 0 } } } },
});

const group = { group: "steadfleet.dev", version: "v1", plural: "stacks" };
const errorCode = (e: unknown): number => (e as { code?: number }).code ?? 0;

/** Everything that is written to it. */
class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString("utf8");
    done();
  }
}

const crud: Row[] = [
  {
    what: "CoreV1Api: create, read, replace, patch, list, delete",
    kind: "configmaps",
    run: async ({ config, namespace }) => {
      const api = config.makeApiClient(CoreV1Api);
      const made = await api.createNamespacedConfigMap({ namespace, body: { metadata: { generateName: "lib-" }, data: { a: "1" } } });
      const name = made.metadata?.name ?? "";
      const read = await api.readNamespacedConfigMap({ namespace, name });
      await api.replaceNamespacedConfigMap({ namespace, name, body: Object.assign(read, { data: { a: "2" } }) });
      // The version that was read is gone.
      const stale = await api
        .replaceNamespacedConfigMap({ namespace, name, body: Object.assign(read, { data: { a: "3" } }) })
        .catch(errorCode);
      expect(stale).toBe(409);
      const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
      await api.patchNamespacedConfigMap({ namespace, name, body: { data: { b: "x" } } }, merge);
      const { items } = await api.listNamespacedConfigMap({ namespace, fieldSelector: `metadata.name=${name}` });
      expect(items.map((i) => i.data)).toEqual([{ a: "2", b: "x" }]);
      await api.deleteNamespacedConfigMap({ namespace, name });
      expect(await api.readNamespacedConfigMap({ namespace, name }).catch(errorCode)).toBe(404);
    },
  },
  {
    what: "CoreV1Api: list in pages of one revision",
    kind: "configmaps",
    run: async ({ config, namespace }) => {
      const api = config.makeApiClient(CoreV1Api);
      for (const n of [1, 2, 3])
        await api.createNamespacedConfigMap({ namespace, body: { metadata: { name: `page-${n}`, labels: { page: "y" } } } });
      const names: (string | undefined)[] = [];
      let next: string | undefined;
      do {
        const page = await api.listNamespacedConfigMap({
          namespace,
          labelSelector: "page=y",
          limit: 2,
          ...(next ? { _continue: next } : {}),
        });
        names.push(...page.items.map((i) => i.metadata?.name));
        // oxlint-disable-next-line no-underscore-dangle -- the library's name
        next = page.metadata?._continue;
      } while (next);
      expect(names).toEqual(["page-1", "page-2", "page-3"]);
      await api.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "page=y" });
      expect((await api.listNamespacedConfigMap({ namespace, labelSelector: "page=y" })).items).toEqual([]);
    },
  },
  {
    what: "CustomObjectsApi: create, get, replace, merge patch, delete",
    kind: "stacks",
    run: async ({ config, namespace }) => {
      const api = config.makeApiClient(CustomObjectsApi);
      await api.createNamespacedCustomObject({ ...group, namespace, body: stack("typed") });
      const read = (await api.getNamespacedCustomObject({ ...group, namespace, name: "typed" })) as ReturnType<typeof stack>;
      expect(read.spec.services.web.image).toBe("steadfleet.local/web:1");
      const body = { ...read, spec: stack("typed", "steadfleet.local/web:2").spec };
      await api.replaceNamespacedCustomObject({ ...group, namespace, name: "typed", body });
      const refused = await api
        .createNamespacedCustomObject({ ...group, namespace, body: { ...stack("bad"), spec: { services: 1 } } })
        .catch(errorCode);
      expect(refused).toBe(422);
      await api.deleteNamespacedCustomObject({ ...group, namespace, name: "typed" });
    },
  },
  {
    what: "KubernetesObjectApi: server-side apply, conflict, force",
    kind: "stacks",
    run: async ({ config, namespace }) => {
      const api = KubernetesObjectApi.makeApiClient(config);
      const object = (image: string) => ({ ...stack("applied", image), metadata: { name: "applied", namespace } });
      const apply = (image: string, manager: string, force?: boolean) =>
        api.patch(object(image), undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
      await apply("steadfleet.local/web:1", "one");
      await apply("steadfleet.local/web:1", "one");
      expect(await apply("steadfleet.local/web:2", "two").catch(errorCode)).toBe(409);
      await apply("steadfleet.local/web:2", "two", true);
      await api.delete(object(""));
    },
  },
  {
    what: "AppsV1Api: read, scale",
    kind: "deployments",
    run: async ({ config, namespace }) => {
      const api = config.makeApiClient(AppsV1Api);
      const before = await api.readNamespacedDeployment({ namespace, name: "lib-web" });
      expect(before.spec?.replicas).toBe(2);
      const scale = await api.readNamespacedDeploymentScale({ namespace, name: "lib-web" });
      await api.replaceNamespacedDeploymentScale({ namespace, name: "lib-web", body: Object.assign(scale, { spec: { replicas: 3 } }) });
      const done = async () => (await api.readNamespacedDeployment({ namespace, name: "lib-web" })).status?.readyReplicas === 3;
      await until(done, { what: "three replicas", deadlineMs: 60_000 });
    },
  },
  {
    what: "CoordinationV1Api: create and renew",
    kind: "leases",
    run: async ({ config, namespace }) => {
      const api = config.makeApiClient(CoordinationV1Api);
      const body = { metadata: { name: "lib" }, spec: { holderIdentity: "a", leaseDurationSeconds: 15 } };
      const made = await api.createNamespacedLease({ namespace, body });
      await api.replaceNamespacedLease({ namespace, name: "lib", body: Object.assign(made, { spec: { holderIdentity: "b" } }) });
      expect((await api.readNamespacedLease({ namespace, name: "lib" })).spec?.holderIdentity).toBe("b");
      await api.deleteNamespacedLease({ namespace, name: "lib" });
    },
  },
  {
    what: "AuthorizationV1Api: SelfSubjectAccessReview",
    kind: "-",
    run: async ({ config, namespace }) => {
      const api = config.makeApiClient(AuthorizationV1Api);
      const body = { spec: { resourceAttributes: { namespace, verb: "create", resource: "pods", subresource: "exec" } } };
      expect((await api.createSelfSubjectAccessReview({ body })).status?.allowed).toBe(true);
    },
  },
];

const watching: Row[] = [
  {
    what: "Watch",
    kind: "configmaps",
    run: async ({ config, namespace }) => {
      const api = config.makeApiClient(CoreV1Api);
      const seen: string[] = [];
      const list = await api.listNamespacedConfigMap({ namespace });
      const stop = await new Watch(config).watch(
        `/api/v1/namespaces/${namespace}/configmaps`,
        { resourceVersion: list.metadata?.resourceVersion, allowWatchBookmarks: true },
        (type, object: { metadata: { name: string } }) => {
          if (object.metadata.name === "seen") seen.push(type);
        },
        () => {},
      );
      try {
        await api.createNamespacedConfigMap({ namespace, body: { metadata: { name: "seen" } } });
        await api.deleteNamespacedConfigMap({ namespace, name: "seen" });
        await until(() => seen.length === 2, { show: () => seen.join() });
        expect(seen).toEqual(["ADDED", "DELETED"]);
      } finally {
        stop.abort();
      }
    },
  },
  {
    what: "Informer",
    kind: "pods",
    run: async ({ config, namespace, pod }) => {
      const api = config.makeApiClient(CoreV1Api);
      const informer = makeInformer<V1Pod>(config, `/api/v1/namespaces/${namespace}/pods`, () => api.listNamespacedPod({ namespace }));
      const events: string[] = [];
      informer.on("update", (o) => void events.push(`update ${o.metadata?.name}`));
      informer.on("delete", (o) => void events.push(`delete ${o.metadata?.name}`));
      await informer.start();
      try {
        await until(() => informer.get(pod, namespace)?.status?.phase === "Running", { what: "the pod in the informer" });
        const victim = informer.list(namespace).find((p) => p.metadata?.name !== pod)?.metadata?.name ?? "";
        await api.deleteNamespacedPod({ namespace, name: victim });
        await until(() => events.includes(`delete ${victim}`), {
          what: `${victim} to go`,
          deadlineMs: 60_000,
          show: () => events.join("\n"),
        });
      } finally {
        await informer.stop();
      }
    },
  },
];

const streaming: Row[] = [
  {
    what: "Log (follow)",
    kind: "pods",
    run: async ({ config, namespace, pod }) => {
      const sink = new Sink();
      const stop = await new Log(config).log(namespace, pod, "web", sink, { follow: true, tailLines: 5 });
      try {
        await until(() => /tick\n.*tick/s.test(sink.text), { show: () => sink.text });
      } finally {
        stop.abort();
      }
    },
  },
  {
    what: "Exec: standard streams and exit code",
    kind: "pods",
    run: async ({ config, namespace, pod }) => {
      const [out, err] = [new Sink(), new Sink()];
      let status: V1Status | undefined;
      const command = ["sh", "-c", "head -n1; echo err >&2; exit 3"];
      const socket = await new Exec(config).exec(namespace, pod, "web", command, out, err, Readable.from(["hello\n"]), false, (s) => {
        status = s;
      });
      await until(() => status, { what: "the exec's status" });
      socket.close();
      expect([out.text, err.text, status?.details?.causes?.[0]?.message]).toEqual(["hello\n", "err\n", "3"]);
    },
  },
  {
    what: "Attach",
    kind: "pods",
    run: async ({ config, namespace, pod }) => {
      const out = new Sink();
      const socket = await new Attach(config).attach(namespace, pod, "web", out, null, null, false);
      await until(() => out.text.includes("tick"), { show: () => out.text });
      socket.close();
    },
  },
  {
    what: "PortForward",
    kind: "pods",
    run: async ({ config, namespace, pod }) => {
      const [input, output] = [new PassThrough(), new Sink()];
      const socket = await new PortForward(config).portForward(namespace, pod, [80], output, null, input);
      input.write("GET / HTTP/1.0\r\n\r\n");
      await until(() => output.text.includes("Hello from version 1"), { show: () => output.text });
      (typeof socket === "function" ? socket() : socket)?.close();
    },
  },
  {
    what: "Metrics: nodes and pods",
    kind: "nodes, pods",
    run: async ({ config, namespace, pod }) => {
      const metrics = new Metrics(config);
      const usage = async () => (await metrics.getPodMetrics(namespace)).items.find((p) => p.metadata.name === pod)?.containers[0]?.usage;
      const { memory } = await until(usage, { what: "metrics of the pod" });
      expect(memory).toMatch(/^\d+(Ki|Mi)?$/);
      expect((await metrics.getNodeMetrics()).items.length).toBeGreaterThan(0);
    },
  },
];

export const ROWS: readonly Row[] = [...crud, ...watching, ...streaming];
