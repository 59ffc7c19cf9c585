// Images over the connection that docker.ts has: what there is, what goes, and pulls with their progress.
import type { Env } from "../store/env.ts";
import { classify } from "./docker-errors.ts";
import { type DockerCall, DEADLINE } from "./docker-call.ts";
import { jsonLines, splitReference } from "./docker-wire.ts";
import { type Engine, EngineError, type ImageInspect } from "./engine.ts";

/** A line of a pull. */
interface PullAnswer {
  error?: string;
  status?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
}

type Lane = <T>(task: () => Promise<T>) => Promise<T>;

export interface ImagesOptions {
  env: Env;
  dial: (call: DockerCall) => Promise<unknown>;
  get: <T>(operation: string, path: string) => Promise<T>;
  array: <T>(call: DockerCall) => Promise<T[]>;
  lanes: { read: Lane; change: Lane; pull: Lane };
}

export type EngineImages = Pick<Engine, "inspectImage" | "listImages" | "removeImage" | "pull">;

/** Not encoded as one part: the engine takes the slashes of a reference as they are. */
const pathOf = (reference: string): string => `/images/${reference.split("/").map(encodeURIComponent).join("/")}`;

export const dockerImages = ({ env, dial, get, array, lanes }: ImagesOptions): EngineImages => ({
  inspectImage: (image) => get<ImageInspect>("inspect image", `${pathOf(image)}/json`),
  async listImages() {
    interface Row {
      Id: string;
      RepoTags: string[] | null;
      RepoDigests: string[] | null;
      Size: number;
    }
    const known = (names: string[] | null): string[] => (names ?? []).filter((name) => !name.startsWith("<none>"));
    const rows = await lanes.read(() =>
      array<Row>({ operation: "list images", method: "GET", path: "/images/json", deadlineMs: DEADLINE.change }),
    );
    return rows.map((r) => ({ id: r.Id, tags: known(r.RepoTags), digests: known(r.RepoDigests), sizeBytes: r.Size }));
  },
  removeImage: (reference) =>
    lanes.change(async () => {
      await dial({
        operation: "remove image",
        method: "DELETE",
        path: pathOf(reference),
        query: { noprune: 1 },
        deadlineMs: DEADLINE.create,
      });
    }),
  pull: (image, { platform, auth } = {}, progress) =>
    lanes.pull(async () => {
      const idle = new AbortController();
      const silent = `no progress for ${DEADLINE.pullIdle / 1000} s while pulling ${image}`;
      const late = new EngineError("registryUnreachable", silent, "pull");
      let cancel = env.timer(DEADLINE.pullIdle, () => idle.abort(late));
      const { repository, tag } = splitReference(image);
      try {
        const stream = (await dial({
          operation: "pull",
          method: "POST",
          path: "/images/create",
          query: { fromImage: repository, tag, ...(platform === undefined ? {} : { platform }) },
          deadlineMs: 2 * DEADLINE.pullIdle,
          stream: true,
          signal: idle.signal,
          ...(auth ? { auth } : {}),
        })) as NodeJS.ReadableStream;
        for await (const line of jsonLines(stream)) {
          const { error, status, id, progressDetail } = line as PullAnswer;
          cancel();
          cancel = env.timer(DEADLINE.pullIdle, () => idle.abort(late));
          if (error) throw classify(new Error(error), "pull");
          progress?.({ ...(id ? { id } : {}), ...(status ? { status } : {}), ...progressDetail });
        }
      } catch (error) {
        throw idle.signal.aborted ? late : classify(error, "pull");
      } finally {
        cancel();
      }
    }),
});
