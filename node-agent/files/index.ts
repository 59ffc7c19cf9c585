// Configs and secrets on this node: what has come, sealed, and the files that pods have of it.
import type { Logger } from "pino";
import type { Delivery, DesiredPod } from "../../schemas/fleet.ts";
import type { Env } from "../../store/env.ts";
import { Informer } from "../../store/informer.ts";
import { sealedPrefix } from "../../store/keys.ts";
import type { Kv } from "../../store/kv.ts";
import type { KeyPair } from "../../store/seal.ts";
import { debounced } from "../debounce.ts";
import type { DesiredEntry } from "../pods.ts";
import { Contents, DELIVERY_REASONS, contentKeysOf } from "./contents.ts";
import { PodFiles } from "./files.ts";
import { type Mounts, RunDir } from "./run-dir.ts";

export interface NodeFilesOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  node: string;
  key: KeyPair;
  /** Of this agent alone. */
  runDir: string;
  mounts?: Mounts | undefined;
  /** What an earlier run had, still sealed: by etcd key. */
  kept: Readonly<Record<string, Delivery>>;
  allDesired(): Iterable<[string, DesiredEntry]>;
  /** Uids of the pods that have a container. */
  containers(): Iterable<string>;
  /** Nothing is taken away until desired state and containers are known for sure (I8). */
  mayRemove(): boolean;
  /** A delivery is new or gone: the checkpoint is old. */
  changed(): void;
  /** A pod that waits for one of these reasons tries again. */
  wake(pod: string, reasons: readonly string[]): void;
}

const TIDY_MS = 1_000;

export class NodeFiles {
  readonly contents: Contents;
  readonly pods: PodFiles;
  /** Soon: brings back what is missing, takes away what belongs to nobody. */
  readonly tidy: ReturnType<typeof debounced>;
  private readonly informer: Informer<Delivery>;
  private everSynced = false;

  constructor(private readonly o: NodeFilesOptions) {
    const { kv, env, log, node } = o;
    this.informer = new Informer<Delivery>({
      kv,
      env,
      log,
      prefix: sealedPrefix(node),
      decode: (item) => JSON.parse(item.value) as Delivery,
    });
    this.contents = new Contents({ node, privateKey: o.key.privateKey, delivery: (key) => this.delivery(key) });
    this.pods = new PodFiles({ dir: new RunDir(o.runDir, o.mounts), contents: this.contents, log });
    this.tidy = debounced(
      env,
      TIDY_MS,
      () => this.settle(),
      (err) => log.warn({ err }, "files of pods could not be tidied"),
    );
    this.informer.subscribe(({ key, new: now }) => {
      if (!this.everSynced) return;
      o.changed();
      if (now) this.arrived((k) => k === key);
    });
    this.informer.onState(({ synced }) => {
      if (!synced) return;
      this.everSynced = true;
      o.changed();
      this.arrived(() => true);
    });
  }

  start(signal: AbortSignal): void {
    this.informer.start(signal);
  }
  get stopped(): Promise<void> {
    return this.informer.stopped;
  }

  /** As they came, for the checkpoint. */
  deliveries(): Record<string, Delivery> {
    return this.everSynced ? Object.fromEntries(this.informer.entries()) : { ...this.o.kept };
  }

  private delivery(key: string): Delivery | undefined {
    return this.everSynced ? this.informer.get(key) : this.o.kept[key];
  }

  private arrived(which: (key: string) => boolean): void {
    for (const [pod, entry] of this.o.allDesired())
      if (contentKeysOf(this.o.node, entry.pod).some(which)) this.o.wake(pod, DELIVERY_REASONS);
  }

  private async settle(): Promise<void> {
    const desired = (): DesiredPod[] => [...this.o.allDesired()].map(([, { pod }]) => pod);
    await this.pods.restore(desired().filter((pod) => pod.deletionTimestamp === undefined));
    if (this.o.mayRemove()) await this.pods.keep(() => new Set([...desired().map((pod) => pod.uid), ...this.o.containers()]));
  }
}
