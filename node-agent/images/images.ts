// Images on this engine: looked up once, pulled once however many pods ask at the same time.
import type { ContainerSpec, DesiredPod } from "../../schemas/fleet.ts";
import type { Env } from "../../store/env.ts";
import { type Engine, EngineError, type ImageInspect, isEngineError } from "../engine.ts";
import { PodFault, type Progress } from "../faults.ts";
import { credentialsFor, type RegistryAuth } from "./auth.ts";
import { Ledger } from "./ledger.ts";
import { PullTally } from "./progress.ts";
import { digestsOf, pinned } from "./reference.ts";

/** What a container is to be made from. */
export interface ImageWish {
  /** As the spec names it. */
  image: string;
  /** `sha256:…`: exactly these bits, wherever the tag points by now. */
  digest?: string;
  policy: ContainerSpec["pullPolicy"];
  /** `os/arch[/variant]` */
  platform?: string;
  namespace: string;
  pullSecrets?: NonNullable<DesiredPod["pullSecrets"]>;
}

export interface Got {
  image: ImageInspect;
  /** It came from a registry just now. */
  pulled: boolean;
  /** `sha256:…`, where a registry knows it. */
  digest?: string;
}

export interface ImagesOptions {
  engine: Pick<Engine, "inspectImage" | "listImages" | "pull">;
  env: Pick<Env, "now">;
  ledger?: Ledger;
  /** Contents of `.dockerconfigjson`; those that are not there (yet) are left out. */
  openPullSecrets?(namespace: string, secrets: NonNullable<DesiredPod["pullSecrets"]>): Promise<string[]>;
}

/** The wish of a pod's container. `digest`: the bits that it keeps to. */
export const wishOf = (
  { namespace, pullSecrets, container: c }: Pick<DesiredPod, "namespace" | "pullSecrets" | "container">,
  digest: string | undefined,
): ImageWish => ({
  image: c.image,
  ...(digest === undefined ? {} : { digest }),
  policy: c.pullPolicy,
  ...(c.platform === undefined ? {} : { platform: c.platform }),
  namespace,
  ...(pullSecrets && pullSecrets.length > 0 ? { pullSecrets } : {}),
});

export class Images {
  private readonly found = new Map<string, Promise<ImageInspect>>();
  private readonly byId = new Map<string, ImageInspect>();
  private readonly pulls = new Map<string, Pull>();
  readonly ledger: Ledger;

  constructor(private readonly o: ImagesOptions) {
    this.ledger = o.ledger ?? new Ledger();
  }

  /** By reference or id; undefined when the engine has none (any more). */
  async image(id: string): Promise<ImageInspect | undefined> {
    const known = this.byId.get(id);
    if (known) return known;
    const asking = this.found.get(id) ?? this.o.engine.inspectImage(id).then((image) => this.remember(image));
    this.found.set(id, asking);
    try {
      return await asking;
    } catch (error) {
      if (this.found.get(id) === asking) this.found.delete(id);
      if (isEngineError(error, "imageNotFound")) return undefined;
      throw error;
    }
  }

  /** What is known of an image without asking. */
  known(id: string): ImageInspect | undefined {
    return this.byId.get(id);
  }

  /** @throws EngineError, PodFault when it is not there and cannot be had */
  async ensure(wish: ImageWish, progress: Progress): Promise<Got> {
    const reference = pinned(wish.image, wish.digest);
    const exact = reference.includes("@");
    const here = await this.image(reference);
    const fits = here && fitsPlatform(here, wish.platform);
    // Bits that are named by their digest never change: there is nothing to ask a registry about.
    if (here && fits && (exact || !this.isDue(reference, wish.policy))) return got(wish, here, false);
    if (wish.policy === "never") {
      const what = here ? `is here for ${platformOf(here)} only` : "is not on this node";
      throw new PodFault("ImageNotFound", `image ${reference} ${what}, and pull_policy is never: load it, or allow the pull`);
    }
    return await this.pull(wish, reference, progress);
  }

  /** Something was removed, moved or loaded: ask again next time. */
  forget(): void {
    this.found.clear();
  }

  private isDue(reference: string, policy: ImageWish["policy"]): boolean {
    if (typeof policy === "string") return policy === "always";
    const asked = this.ledger.askedAt(reference);
    return asked === undefined || this.o.env.now() - asked >= policy.everyMs;
  }

  private async pull(wish: ImageWish, reference: string, progress: Progress): Promise<Got> {
    const key = JSON.stringify([reference, wish.platform, wish.namespace, wish.pullSecrets]);
    const say = (text: string): void => progress("Pulling", `pulling ${wish.image}${text === "" ? "" : `: ${text}`}`);
    const pull = this.pulls.get(key) ?? this.begin(key, wish, reference);
    pull.listeners.add(say);
    say(pull.tally.toString());
    try {
      return await pull.done;
    } finally {
      pull.listeners.delete(say);
    }
  }

  private begin(key: string, wish: ImageWish, reference: string): Pull {
    const heard = { tally: new PullTally(), listeners: new Set<(text: string) => void>() };
    const pull: Pull = { ...heard, done: this.carryOut(wish, reference, heard).finally(() => this.pulls.delete(key)) };
    this.pulls.set(key, pull);
    return pull;
  }

  private async carryOut(wish: ImageWish, reference: string, pull: Heard): Promise<Got> {
    const before = await this.o.engine.listImages();
    const digest = await this.ask(wish, reference, pull);
    this.found.delete(reference);
    const image = this.remember(await this.o.engine.inspectImage(reference));
    if (!fitsPlatform(image, wish.platform))
      throw new EngineError("imagePlatform", `the registry has ${reference} for ${platformOf(image)}, not for ${wish.platform}`, "pull");
    this.ledger.pulled(reference, image.Id, !before.some((i) => i.id === image.Id), this.o.env.now());
    return { ...got(wish, image, true), ...(digest === undefined ? {} : { digest }) };
  }

  /** One credential after the other, as long as the registry refuses. */
  private async ask(wish: ImageWish, reference: string, { tally, listeners }: Heard): Promise<string | undefined> {
    const configs = wish.pullSecrets ? ((await this.o.openPullSecrets?.(wish.namespace, wish.pullSecrets)) ?? []) : [];
    const candidates: (RegistryAuth | undefined)[] = credentialsFor(reference, configs);
    if (candidates.length === 0) candidates.push(undefined);
    let digest: string | undefined;
    let refused: unknown;
    for (const auth of candidates) {
      const options = { ...(wish.platform === undefined ? {} : { platform: wish.platform }), ...(auth ? { auth } : {}) };
      try {
        await this.o.engine.pull(reference, options, (line) => {
          digest = /^Digest: (sha256:[0-9a-f]{64})$/.exec(line.status ?? "")?.[1] ?? digest;
          const was = tally.toString();
          tally.add(line);
          const is = tally.toString();
          if (is !== was) for (const listener of listeners) listener(is);
        });
        return digest;
      } catch (error) {
        if (!isEngineError(error, "imageDenied")) throw error;
        refused = error;
      }
    }
    throw refused;
  }

  private remember(image: ImageInspect): ImageInspect {
    this.byId.set(image.Id, image);
    return image;
  }
}

interface Heard {
  tally: PullTally;
  listeners: Set<(text: string) => void>;
}
interface Pull extends Heard {
  done: Promise<Got>;
}

const got = (wish: ImageWish, image: ImageInspect, pulled: boolean): Got => {
  const digest = wish.digest ?? digestsOf(wish.image, image.RepoDigests)[0];
  return { image, pulled, ...(digest === undefined ? {} : { digest }) };
};

const platformOf = (image: ImageInspect): string => [image.Os, image.Architecture, image.Variant].filter(Boolean).join("/");

/** Engines leave the variant out where there is but one. */
const fitsPlatform = (image: ImageInspect, platform: string | undefined): boolean => {
  if (platform === undefined || !image.Os || !image.Architecture) return true;
  const [os, arch, variant] = platform.split("/");
  if (arch === undefined) return image.Architecture === os || image.Os === os;
  return (
    image.Os === os && image.Architecture === (ARCHITECTURES[arch] ?? arch) && (!variant || !image.Variant || image.Variant === variant)
  );
};

/** Other words for the same machine. Source: containerd, platforms/database.go. */
const ARCHITECTURES: Record<string, string> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  armhf: "arm",
  armel: "arm",
  i386: "386",
};
