// Plans in files: what was planned, on what, so that an apply does exactly that or nothing. No value of a Secret is kept.
import { createHash, randomBytes, scryptSync } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { KubeObject } from "../../schemas/meta.ts";
import { apiVersionOf, type Resource, RESOURCES } from "../../schemas/resources.ts";
import type { StackPlanStatus } from "../../schemas/types.ts";
import { CliError, errorText, EXIT, usage } from "../errors.ts";
import { goJson, LAST_APPLIED } from "../kube/merge.ts";
import type { Loaded, Manifest } from "../manifest/load.ts";
import type { Foreseen } from "./plan.ts";

export interface PlannedObject {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  file: string;
  madeFor?: string;
  action: Foreseen["result"];
  uid?: string;
  /** Of what is there: a hash of what it says; of a Secret its resourceVersion. */
  was?: string;
  /** Absent for Secrets. */
  manifest?: Manifest;
  /** scrypt over what a Secret says: tells whether the same is given again. */
  secret?: { salt: string; hash: string };
  digest?: string;
  /** For people: what was foreseen of each container. */
  effects?: string[];
}

export interface PlanFile {
  v: 1;
  kind: "SteadyPlan";
  server: string;
  objects: PlannedObject[];
  checksum: string;
}

const MAX_BYTES = 64 * 1024 * 1024;

const sha = (value: unknown): string => createHash("sha256").update(goJson(value)).digest("hex");

const secretHash = ({ data, stringData, type }: Record<string, unknown>, salt: string): string =>
  scryptSync(goJson({ data, stringData, type }), salt, 32).toString("hex");

/** Of what people say: not what the server and tools write. */
export const contentOf = (object: KubeObject): string => {
  const { status: _status, metadata, ...rest } = object as KubeObject & { status?: unknown };
  const { labels = {}, annotations = {} } = metadata;
  const { [LAST_APPLIED]: _last, ...said } = annotations;
  return sha({ ...rest, labels, annotations: said });
};

export const baseOf = (object: KubeObject): string => (object.kind === "Secret" ? object.metadata.resourceVersion : contentOf(object));

export const effectsOf = (plan: StackPlanStatus): string[] =>
  plan.services.flatMap((s) =>
    s.pods
      .filter((p) => p.effect !== "unchanged")
      .map((p) => `${s.name}-${p.slot}: ${p.effect}${p.node ? ` on ${p.node}` : ""}${p.to && p.to !== p.node ? ` to ${p.to}` : ""}`),
  );

const plannedObject = ({ loaded, result, before, plan }: Foreseen): PlannedObject => {
  const { manifest, file, madeFor } = loaded;
  const { name, namespace } = manifest.metadata;
  const salt = randomBytes(16).toString("hex");
  return {
    apiVersion: manifest.apiVersion,
    kind: manifest.kind,
    ...(namespace ? { namespace } : {}),
    name,
    file,
    ...(madeFor ? { madeFor } : {}),
    action: result,
    ...(before ? { uid: before.metadata.uid, was: baseOf(before) } : {}),
    ...(manifest.kind === "Secret" ? { secret: { salt, hash: secretHash(manifest, salt) } } : { manifest }),
    ...(plan ? { digest: plan.digest, effects: effectsOf(plan) } : {}),
  };
};

/** Only its owner may read it: manifests may hold what is nobody's business. @throws CliError (exit 2) */
export const writePlanFile = (cwd: string, path: string, server: string, seen: readonly Foreseen[]): void => {
  const body = { v: 1 as const, kind: "SteadyPlan" as const, server, objects: seen.map(plannedObject) };
  const file: PlanFile = { ...body, checksum: sha(body) };
  const full = resolve(cwd, path);
  try {
    writeFileSync(full, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
    chmodSync(full, 0o600);
  } catch (error) {
    throw usage(`cannot write ${path}: ${errorText(error)}`);
  }
};

/** @throws CliError (exit 2): unreadable, no plan, or not as it was written */
export const readPlanFile = (cwd: string, path: string): PlanFile => {
  let value: unknown;
  try {
    const text = readFileSync(resolve(cwd, path), "utf8");
    if (text.length > MAX_BYTES) throw new Error("it is too large");
    value = JSON.parse(text);
  } catch (error) {
    throw usage(`cannot read the plan ${path}: ${errorText(error)}`, "manifests are named with -f");
  }
  const file = value as Partial<PlanFile> | null;
  if (file?.kind !== "SteadyPlan" || !Array.isArray(file.objects))
    throw usage(`${path} is no plan`, ["steady plan --out FILE writes one", "manifests are named with -f"]);
  if (file.v !== 1) throw usage(`${path} was written by another version of this program`, "plan again");
  const { checksum, ...body } = file;
  if (checksum !== sha(body))
    throw usage(`${path} was changed after it was written`, "plan again: a plan is applied as it was shown, or not at all");
  return file as PlanFile;
};

const resourceOf = (o: PlannedObject): Resource => {
  const found = Object.values(RESOURCES).find((r) => r.kind === o.kind && apiVersionOf(r) === o.apiVersion);
  if (!found) throw usage(`the plan has a ${o.kind} of ${o.apiVersion}, which this program does not know`);
  return found;
};

/**
 * What is to be applied. Secrets that do not change need not be given again.
 * @param given manifests named with -f beside the plan
 */
export const loadedOf = (file: PlanFile, given: readonly Loaded[]): Loaded[] =>
  file.objects.flatMap((o): Loaded[] => {
    const resource = resourceOf(o);
    const rest = { resource, file: o.file, ...(o.madeFor ? { madeFor: o.madeFor } : {}) };
    if (o.manifest) return [{ ...rest, manifest: o.manifest }];
    if (o.action === "unchanged") return [];
    const again = given.find(
      (l) =>
        l.manifest.kind === o.kind && l.manifest.metadata.name === o.name && (l.manifest.metadata.namespace ?? "") === (o.namespace ?? ""),
    );
    if (!again) throw usage(`the plan changes the secret ${o.name}, whose values it does not hold`, `name its file again: -f ${o.file}`);
    if (!o.secret || secretHash(again.manifest, o.secret.salt) !== o.secret.hash)
      throw new CliError(EXIT.conflict, `the secret ${o.name} is not what was planned`, { help: "plan again" });
    return [again];
  });

/** What is not as it was when the plan was made, in words. */
export const staleness = (file: PlanFile, seen: readonly Foreseen[], secrets: ReadonlyMap<string, KubeObject | undefined>): string[] =>
  file.objects.flatMap((o) => {
    const what = `${o.kind} ${o.name}`;
    const now = seen.find(
      (s) =>
        s.loaded.manifest.kind === o.kind &&
        s.loaded.manifest.metadata.name === o.name &&
        (s.loaded.manifest.metadata.namespace ?? "") === (o.namespace ?? ""),
    );
    const live = now ? now.before : secrets.get(`${o.namespace ?? ""}/${o.name}`);
    if (o.uid === undefined) {
      if (live) return [`${what} is there now; when the plan was made, it was not`];
    } else if (!live) return [`${what} is gone`];
    else if (live.metadata.uid !== o.uid) return [`${what} was deleted and made anew`];
    else if (baseOf(live) !== o.was) return [`${what} was changed`];
    if (!now?.plan || now.plan.digest === o.digest) return [];
    const [was, is] = [o.effects ?? [], effectsOf(now.plan)];
    const lines = [
      ...was.filter((e) => !is.includes(e)).map((e) => `planned: ${e}`),
      ...is.filter((e) => !was.includes(e)).map((e) => `now: ${e}`),
    ];
    return [
      `${what}: ${lines.length > 0 ? lines.slice(0, 8).join("; ") : "its containers are others than those that the plan was made for"}`,
    ];
  });
