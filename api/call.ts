// A request for a resource, in our words, and its answer: the handlers know no HTTP.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { KubeObject } from "../schemas/meta.ts";
import type { Env } from "../store/env.ts";
import type { Kv } from "../store/kv.ts";
import type { ObjectStore } from "../store/objects.ts";
import type { User } from "./auth.ts";
import type { WatchCache } from "./cache/watch-cache.ts";
import type { Form } from "./forms.ts";
import type { Kind, Problem, TableShape } from "./kind.ts";
import type { NodeLinks } from "./links.ts";
import type { OpenStreams } from "./streams/open-streams.ts";
import { badRequest, invalidOptions, type Status } from "./status.ts";

export interface Deps {
  kv: Kv;
  env: Env;
  log: Logger;
  store: ObjectStore;
  cache: WatchCache;
  /** The way to the nodes. */
  links: NodeLinks;
  /** Logs, execs, attaches and port-forwards that run. */
  streams: OpenStreams;
  /** Why this server cannot read or write Secrets, in words; undefined: it can. */
  secretsProblem?: (() => string | undefined) | undefined;
  /** Tells contents of configs and secrets apart (AtRest.hash); throws where the key is missing. */
  contentHash?: ((about: string, content: Uint8Array) => string) | undefined;
  /** Lease for an Event made now. */
  eventLease(): Promise<string>;
  /** Aborted when the server stops: ends watches. */
  closing: AbortSignal;
}

export interface Call {
  kind: Kind;
  namespace?: string;
  /** Of the object in the path; "" for a collection. */
  name: string;
  subresource?: string;
  query: Query;
  req: IncomingMessage;
  user: User;
  form: Form;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  /** Adds a `Warning` header, which kubectl prints. */
  warn(text: string): void;
}

export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export type Answer =
  /** `table`: how it looks as a row, where it is of another kind than the path's. */
  | { type: "object"; code: number; object: KubeObject; table?: TableShape }
  | { type: "list"; items: KubeObject[]; metadata: ListMeta }
  | { type: "status"; status: Status; code?: number }
  /** Runs until the stream is over; the headers are its own to send. */
  | { type: "stream"; run(res: ServerResponse): Promise<void> };

export type Handler = (deps: Deps, call: Call) => Promise<Answer>;

/** Query parameters; of one that is given twice the first counts. Unknown ones are nobody's business. */
export class Query {
  constructor(private readonly parameters: URLSearchParams) {}

  text(name: string): string | undefined {
    const v = this.parameters.get(name);
    return v === null || v === "" ? undefined : v;
  }
  all(name: string): string[] {
    return this.parameters.getAll(name).filter((v) => v !== "");
  }
  /** As given, empty ones too: the words of a command line. */
  words(name: string): string[] {
    return this.parameters.getAll(name);
  }
  /** As Kubernetes reads them: present without value is true. */
  flag(name: string): boolean {
    const v = this.parameters.get(name);
    return v !== null && v !== "false" && v !== "0";
  }
  /** @throws ApiError 400 unless a whole number ≥ 0 */
  number(name: string): number | undefined {
    const v = this.text(name);
    if (v === undefined) return undefined;
    if (!/^[0-9]{1,15}$/.test(v)) throw badRequest(`the parameter ${name} must be a whole number; got ${JSON.stringify(v.slice(0, 40))}`);
    return Number(v);
  }
}

/** Whether the request is to change nothing. `given`: from the query, and from DeleteOptions. @throws ApiError 422 */
export const dryRunOf = (options: string, given: readonly unknown[]): boolean => {
  const problems: Problem[] = given
    .filter((v) => v !== "All")
    .map((v) => ({
      field: "dryRun",
      message: `Unsupported value: ${JSON.stringify(v)}: supported values: "All"`,
      reason: "FieldValueNotSupported",
    }));
  if (problems.length > 0) throw invalidOptions(options, problems);
  return given.length > 0;
};
