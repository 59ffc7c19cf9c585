// What the Stacks' files are made of: ConfigMaps and Secrets as they are now, who uses them, and deliveries sealed for their nodes.
import { RESOURCES } from "../../schemas/resources.ts";
import type { NormalStack } from "../../schemas/compose/normal.ts";
import type { AtRest } from "../../store/at-rest/index.ts";
import { deliveryOf } from "../../store/deliveries.ts";
import type { Informer } from "../../store/informer.ts";
import { objectKey } from "../../store/keys.ts";
import type { Change } from "../../store/kv.ts";
import type { Compiled } from "../stacks/plan.ts";
import type { DeliveryDraft } from "./plan.ts";
import { type ContentObject, type Objects, usesOf, withFiles } from "./compile.ts";

export interface FilesOptions {
  configMaps: Informer<ContentObject>;
  secrets: Informer<ContentObject>;
  /** Absent: no service with files is made or changed. */
  atRest: Pick<AtRest, "hash"> | undefined;
}

const split = (stack: string): string => stack.slice(0, stack.indexOf("/"));

export class Files {
  /** By stack (`<namespace>/<name>`): `Secret/db` and so on. */
  private readonly uses = new Map<string, ReadonlySet<string>>();
  private readonly resolved = new Map<string, { from: NormalStack; state: string; result: Compiled }>();

  /** @param changed is told of each Stack that uses what has changed */
  constructor(
    private readonly o: FilesOptions,
    changed: (stack: string) => void,
  ) {
    const follow = (kind: "ConfigMap" | "Secret", informer: Informer<ContentObject>): void =>
      void informer.subscribe(({ key }) => {
        const [namespace = "", name = ""] = key.split("/").slice(-2);
        for (const [stack, used] of this.uses) if (split(stack) === namespace && used.has(`${kind}/${name}`)) changed(stack);
      });
    follow("ConfigMap", o.configMaps);
    follow("Secret", o.secrets);
  }

  /** The same with contents told apart. What a Stack uses is remembered until `forget`. */
  resolve(stack: string, wanted: Compiled): Compiled {
    if ("problems" in wanted) return wanted;
    const uses = usesOf(wanted.normal);
    const files = wanted.normal.services.some((s) => (s.container.files?.length ?? 0) > 0);
    if (uses.size > 0) this.uses.set(stack, uses);
    else this.uses.delete(stack);
    if (!files) return wanted;
    const state = [...uses].map((use) => this.stateOf(split(stack), use)).join();
    const had = this.resolved.get(stack);
    if (had?.from === wanted.normal && had.state === state) return had.result;
    const result = this.settle(split(stack), wanted);
    this.resolved.set(stack, { from: wanted.normal, state, result });
    return result;
  }

  /** `resolve` without remembering anything. */
  settle(namespace: string, wanted: Compiled): Compiled {
    return withFiles(wanted, namespace, this.objects(namespace));
  }

  forget(stack: string): void {
    this.uses.delete(stack);
    this.resolved.delete(stack);
  }

  /** Of one namespace. */
  objects(namespace: string): Objects {
    const { atRest } = this.o;
    return {
      find: (kind, name) => {
        const { informer, key } = this.at(kind, namespace, name);
        const unreadable = informer.undecodable.get(key);
        return unreadable === undefined ? informer.get(key)?.items : { unreadable };
      },
      hash: (about, content) => {
        try {
          if (atRest) return atRest.hash(about, content);
        } catch (error) {
          return { unreadable: error instanceof Error ? error.message : String(error) };
        }
        return { unreadable: "this controller has no encryption key, so contents cannot be told apart" };
      },
    };
  }

  /** Each a commit's unit of its own. */
  changes(puts: readonly DeliveryDraft[]): Change[][] {
    return puts.map(({ key, source, content, publicKey }) => [{ key, value: deliveryOf(key, source, content, publicKey) }]);
  }

  private at(kind: "ConfigMap" | "Secret", namespace: string, name: string): { informer: Informer<ContentObject>; key: string } {
    const [informer, resource] = kind === "Secret" ? [this.o.secrets, RESOURCES.secrets] : [this.o.configMaps, RESOURCES.configmaps];
    return { informer, key: objectKey(resource, namespace, name) };
  }

  private stateOf(namespace: string, use: string): string {
    const [kind = "", name = ""] = use.split("/");
    const { informer, key } = this.at(kind as "ConfigMap" | "Secret", namespace, name);
    return `${use}=${informer.undecodable.get(key) ?? informer.get(key)?.mod ?? ""}`;
  }
}
