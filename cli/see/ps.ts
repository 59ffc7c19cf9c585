// `steady ps`: one line per pod, on all nodes.
import { LABELS } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Context } from "../command.ts";
import { EXIT } from "../errors.ts";
import { withClient } from "../kube/connect.ts";
import { byName, describe, replicaOf } from "../rollout/replica.ts";
import type { PodObject } from "../rollout/types.ts";
import { columns, elapsed, harmless } from "../text/style.ts";

export const ps = (ctx: Context, [stack]: readonly string[]): Promise<number> =>
  withClient(ctx, async (c) => {
    const everywhere = ctx.flags.bool("all-namespaces");
    const node = ctx.flags.str("node");
    const namespace = everywhere ? undefined : c.namespace;
    const { items } = await c.client.list<PodObject>(
      RESOURCES.pods,
      {
        namespace,
        labelSelector: stack === undefined ? undefined : `${LABELS.stack}=${stack}`,
        fieldSelector: node === undefined ? undefined : `spec.nodeName=${node}`,
      },
      ctx.io.signal,
    );
    const rows = items
      .map((pod) => ({ pod, stack: pod.metadata.labels?.[LABELS.stack] ?? "", r: replicaOf(pod) }))
      .toSorted(
        (a, b) =>
          (a.pod.metadata.namespace ?? "").localeCompare(b.pod.metadata.namespace ?? "") ||
          a.stack.localeCompare(b.stack) ||
          byName(a.r, b.r),
      );
    if (ctx.flags.str("output") === "json") {
      ctx.io.stdout.write(
        `${JSON.stringify(
          rows.map(({ pod, stack: of, r }) => ({ namespace: pod.metadata.namespace, stack: of, ...r })),
          undefined,
          2,
        )}\n`,
      );
      return EXIT.ok;
    }
    if (rows.length === 0) {
      ctx.io.stderr.write(
        `No replicas${stack === undefined ? "" : ` of ${stack}`}${namespace === undefined ? "" : ` in namespace ${namespace}`}.\n`,
      );
      return EXIT.ok;
    }
    const wide = ctx.flags.str("output") === "wide";
    const head = [
      ...(everywhere ? ["NAMESPACE"] : []),
      "STACK",
      "REPLICA",
      "NODE",
      "STATE",
      "RESTARTS",
      "AGE",
      "IMAGE",
      ...(wide ? ["POD"] : []),
      "REASON",
    ];
    const now = ctx.io.clock.now();
    const table = rows.map(({ pod, stack: of, r }) => {
      const text = describe(r);
      const reason = text === r.word ? "" : text.slice(r.word.length + 2);
      return [
        ...(everywhere ? [pod.metadata.namespace ?? ""] : []),
        of,
        r.name,
        r.node,
        r.word,
        String(r.restarts),
        elapsed(now - r.createdAt),
        r.image,
        ...(wide ? [r.pod] : []),
        harmless(reason).replaceAll("\n", " "),
      ];
    });
    ctx.io.stdout.write(`${columns([head, ...table]).join("\n")}\n`);
    return EXIT.ok;
  });
