// Serves the OpenAPI documents: v3 by group version under hashed addresses that clients keep for good, v2 as JSON and as protocol buffers.
import { createHash } from "node:crypto";
import type Router from "@koa/router";
import { PRODUCT } from "../../schemas/constants.ts";
import type { Kind } from "../kind.ts";
import { KINDS } from "../kinds/index.ts";
import { encodeSwagger, GNOSTIC_TYPE } from "./gnostic.ts";
import { v2Document } from "./v2.ts";
import { v3Document } from "./v3.ts";

interface Served {
  body: Buffer;
  hash: string;
}

const served = (body: Buffer): Served => ({ body, hash: createHash("sha256").update(body).digest("hex").slice(0, 32).toUpperCase() });

/** `fn` is called once, when its answer is first wanted. */
const lazy = <T>(fn: () => T): (() => T) => {
  let value: { is: T } | undefined;
  return () => (value ??= { is: fn() }).is;
};

export interface OpenApi {
  /** `GET /openapi/v3` */
  index(): object;
  /** `api/v1` or `apis/<group>/<version>` → the document as JSON text. */
  v3: ReadonlyMap<string, () => Served>;
  v2Json(): Served;
  v2Protobuf(): Served;
}

/** `version`: of the product, shown in the documents. Documents are made when they are first asked for. */
export function openApi(version: string, kinds: readonly Kind[] = KINDS): OpenApi {
  const info = { title: PRODUCT, version };
  const v3 = new Map(
    kinds.map(({ resource: { group, version: v } }) => [
      group === "" ? `api/${v}` : `apis/${group}/${v}`,
      lazy(() => served(Buffer.from(JSON.stringify(v3Document(kinds, group, v, info))))),
    ]),
  );
  const v2 = lazy(() => v2Document(kinds, info));
  return {
    v3,
    index: () => ({
      paths: Object.fromEntries([...v3].map(([path, doc]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${doc().hash}` }])),
    }),
    v2Json: lazy(() => served(Buffer.from(JSON.stringify(v2())))),
    v2Protobuf: lazy(() => served(encodeSwagger(v2()))),
  };
}

const YEAR = 365 * 24 * 60 * 60;

/** Mounts `/openapi/v3`, what lies below it, and `/openapi/v2`. `now` in ms since the epoch. */
export function openApiRoutes(router: Router, documents: OpenApi, now: () => number): void {
  router.get("/openapi/v3", (ctx) => {
    ctx.body = documents.index();
  });
  for (const [path, document] of documents.v3) {
    router.get(`/openapi/v3/${path}`, (ctx) => {
      const { body, hash } = document();
      const asked = ctx.query.hash;
      if (typeof asked === "string" && asked !== hash) {
        // An old address: the client must not keep today's document under yesterday's name.
        ctx.redirect(`/openapi/v3/${path}?hash=${hash}`);
        ctx.status = 301;
        return;
      }
      ctx.type = "application/json";
      ctx.set("ETag", `"${hash}"`);
      ctx.vary("Accept");
      if (asked === hash) {
        ctx.set("Cache-Control", `public, immutable, max-age=${YEAR}`);
        ctx.set("Expires", new Date(now() + YEAR * 1000).toUTCString());
      } else {
        ctx.set("Cache-Control", "no-cache, private");
      }
      ctx.body = body;
    });
  }
  router.get("/openapi/v2", (ctx) => {
    const protobuf = ctx.get("Accept").includes("proto-openapi.spec.v2");
    const { body, hash } = protobuf ? documents.v2Protobuf() : documents.v2Json();
    ctx.vary("Accept");
    ctx.set("ETag", `"${hash}"`);
    ctx.set("Cache-Control", "no-cache, private");
    ctx.set("Content-Type", protobuf ? GNOSTIC_TYPE : "application/json");
    ctx.body = body;
  });
}
