// Errors as clients of the Kubernetes API expect them: a `Status` body with a code, a reason and causes.
// Source: kubectl's behaviour and Kubernetes API conventions, "Response Status Kind".
import type { Resource } from "../schemas/resources.ts";
import {
  AlreadyExistsError,
  AmbiguousWriteError,
  ConflictError,
  EncryptionKeyError,
  ExpiredError,
  NoSpaceError,
  NotFoundError,
  TooLargeError,
  UnavailableError,
} from "../store/errors.ts";
import { type Problem, qualifiedKind, qualifiedResource } from "./kind.ts";

export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: { continue?: string };
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

/** An answer that is not 2xx. `headers` go with it. */
export class ApiError extends Error {
  override name = "ApiError";
  /** Where a list may go on, of another revision than it began with. */
  readonly continue: string | undefined;
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details: StatusDetails = {},
    readonly headers: Record<string, string> = {},
    options?: ErrorOptions & { continue?: string },
  ) {
    super(message, options);
    this.continue = options?.continue;
  }
}

export const failure = (e: ApiError): Status => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: e.continue === undefined ? {} : { continue: e.continue },
  status: "Failure",
  message: e.message,
  reason: e.reason,
  details: e.details,
  code: e.code,
});

export const success = (details: StatusDetails): Status => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details,
  code: 200,
});

const about = (r: Resource, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(r.group ? { group: r.group } : {}),
  kind: r.resource,
});

export const notFound = (r: Resource, name: string, cause?: unknown): ApiError =>
  new ApiError(404, "NotFound", `${qualifiedResource(r)} "${name}" not found`, about(r, name), {}, { cause });
/** `path`: clients of Kubernetes ask for groups by their own knowledge (`kubectl create job`), and should be told that there is no such. */
export const noSuchPath = (path = "", groups: readonly string[] = []): ApiError => {
  const [, group, version] = /^\/apis\/([a-z0-9.-]{1,100})\/([a-z0-9]{1,20})(?:\/|$)/.exec(path) ?? [];
  const missing = group !== undefined && !groups.includes(group);
  const more = missing ? `: it has no ${group}/${version}; \`kubectl api-resources\` shows what it has` : "";
  return new ApiError(404, "NotFound", `the server could not find the requested resource${more}`);
};
export const alreadyExists = (r: Resource, name: string, cause?: unknown): ApiError =>
  new ApiError(409, "AlreadyExists", `${qualifiedResource(r)} "${name}" already exists`, about(r, name), {}, { cause });
export const conflict = (r: Resource, name: string, why?: string, cause?: unknown): ApiError =>
  new ApiError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualifiedResource(r)} "${name}": ${
      why ?? "the object has been modified; please apply your changes to the latest version and try again"
    }`,
    about(r, name),
    {},
    { cause },
  );
export const badRequest = (message: string, cause?: unknown): ApiError => new ApiError(400, "BadRequest", message, {}, {}, { cause });
export const forbidden = (message: string, details: StatusDetails = {}): ApiError => new ApiError(403, "Forbidden", message, details);
export const unauthorized = (): ApiError =>
  new ApiError(401, "Unauthorized", "Unauthorized", {}, { "WWW-Authenticate": 'Bearer realm="steadfleet"' });
export const methodNotAllowed = (allowed: readonly string[]): ApiError =>
  new ApiError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
    { Allow: allowed.join(", ") },
  );
/** A verb that clients of Kubernetes know and that has no meaning for this kind. */
export const refused = (r: Resource, why: string): ApiError =>
  new ApiError(405, "MethodNotAllowed", `${qualifiedResource(r)}: ${why}`, about(r, ""));
export const notAcceptable = (offered: readonly string[]): ApiError =>
  new ApiError(406, "NotAcceptable", `only the following media types are accepted: ${offered.join(", ")}`);
export const unsupportedMediaType = (accepted: readonly string[], hint = ""): ApiError =>
  new ApiError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}${hint}`,
  );
export const tooLarge = (limit: number): ApiError => new ApiError(413, "RequestEntityTooLarge", `BodyTooLarge: limit is ${limit} bytes`);
export const expired = (message = "The resourceVersion for the provided list is too old.", cause?: unknown): ApiError =>
  new ApiError(410, "Expired", message, {}, {}, { cause });
/** `fresh`: a token with which the rest can be had as it is now. */
export const expiredContinue = (fresh: string, cause?: unknown): ApiError =>
  new ApiError(
    410,
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    {},
    {},
    { cause, continue: fresh },
  );
export const tooNew = (asked: number, current: number): ApiError =>
  new ApiError(
    504,
    "Timeout",
    `Timeout: Too large resource version: ${asked}, current: ${current}`,
    { causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }], retryAfterSeconds: 1 },
    { "Retry-After": "1" },
  );
/** `word` first, for whoever reads by eye: `TooManyRequests`, `TooManyWatches`. */
export const tooManyRequests = (word: string, message: string, retryAfterSeconds: number): ApiError =>
  new ApiError(429, "TooManyRequests", `${word}: ${message}`, { retryAfterSeconds }, { "Retry-After": String(retryAfterSeconds) });
export const unavailable = (message: string, cause?: unknown): ApiError =>
  new ApiError(503, "ServiceUnavailable", message, { retryAfterSeconds: 1 }, { "Retry-After": "1" }, { cause });

/** Secrets that this server has no key for are there all the same: it must not look as if they were not. */
export const unreadable = (message: string, cause?: unknown): ApiError =>
  new ApiError(500, "EncryptionKeyMissing", `Secrets are not served: ${message}`, {}, {}, { cause });

const list = (problems: readonly string[]): string => (problems.length === 1 ? (problems[0] ?? "") : `[${problems.join(", ")}]`);

/** 422 with all problems as causes; kubectl prints the causes. */
export const invalid = (r: Resource, name: string, problems: readonly Problem[]): ApiError =>
  new ApiError(
    422,
    "Invalid",
    `${qualifiedKind(r)} "${name}" is invalid: ${list(problems.map((p) => (p.field ? `${p.field}: ${p.message}` : p.message)))}`,
    {
      ...(name ? { name } : {}),
      ...(r.group ? { group: r.group } : {}),
      kind: r.kind,
      causes: problems.map((p) => ({ reason: p.reason ?? "FieldValueInvalid", message: p.message, field: p.field })),
    },
  );

/** 422 about parameters of a request rather than an object. `kind` as in `ListOptions`. */
export const invalidOptions = (kind: string, problems: readonly Problem[]): ApiError =>
  new ApiError(422, "Invalid", `${kind}.meta.k8s.io "" is invalid: ${list(problems.map((p) => `${p.field}: ${p.message}`))}`, {
    group: "meta.k8s.io",
    kind,
    causes: problems.map((p) => ({ reason: p.reason ?? "FieldValueInvalid", message: p.message, field: p.field })),
  });

/** What a request was about, so that an error of the store can be told in its words. */
export interface About {
  resource: Resource;
  name: string;
}

/** Everything that can be thrown on the way, as an answer. Unknown errors are a 500 that tells no internals. */
export const toApiError = (e: unknown, of?: About): ApiError => {
  if (e instanceof ApiError) return e;
  if (of) {
    if (e instanceof NotFoundError) return notFound(of.resource, of.name, e);
    if (e instanceof AlreadyExistsError) return alreadyExists(of.resource, of.name, e);
    if (e instanceof ConflictError) return conflict(of.resource, of.name, undefined, e);
  }
  if (e instanceof NotFoundError) return new ApiError(404, "NotFound", e.message, {}, {}, { cause: e });
  if (e instanceof AlreadyExistsError) return new ApiError(409, "AlreadyExists", e.message, {}, {}, { cause: e });
  if (e instanceof ConflictError) return new ApiError(409, "Conflict", e.message, {}, {}, { cause: e });
  if (e instanceof ExpiredError) return expired(undefined, e);
  if (e instanceof UnavailableError) return unavailable("etcd cannot be reached: nothing was changed; try again", e);
  if (e instanceof AmbiguousWriteError)
    return new ApiError(
      504,
      "Timeout",
      "the reply of etcd was lost: the change may or may not have been made; read the object again",
      { retryAfterSeconds: 1 },
      { "Retry-After": "1" },
      { cause: e },
    );
  if (e instanceof NoSpaceError)
    return new ApiError(
      507,
      "InsufficientStorage",
      "etcd is out of space: delete objects, or compact and defragment it",
      {},
      {},
      { cause: e },
    );
  if (e instanceof EncryptionKeyError) return unreadable(e.message, e);
  if (e instanceof TooLargeError) return new ApiError(413, "RequestEntityTooLarge", e.message, {}, {}, { cause: e });
  return new ApiError(500, "InternalError", "Internal error occurred; the server's log says more", {}, {}, { cause: e });
};
