// `build` without `image`: nothing is built here, so say how to build and push, with what the section says.
import { CLI } from "../../../schemas/constants.ts";
import type { Session } from "./session.ts";
import { entriesOf, get, isNull, itemsOf, type MapNode, mapSection, type Node, textOf } from "./tree.ts";

/** Services that have `build` and no `image` are problems, and get a word in place of the image, so that no second one is told. */
export const refuseBuilds = (s: Session, root: MapNode, stack: string): MapNode =>
  mapSection(root, "services", (service, name) => {
    const build = service.entries.get("build");
    if (!build || isNull(build.value) || service.entries.has("image")) return service;
    const image = `REGISTRY/${stack}-${name}`.toLowerCase().replace("registry", "REGISTRY");
    const help = [
      `${buildCommand(build.value, image)} && docker push ${image}`,
      `then \`image: ${image}\` in services.${name}, beside \`build\` if you like, and ${CLI} up`,
    ].join("\n");
    s.error(build.key, "SF1201", `services.${name} has no image: nothing is built here`, help);
    const entries = new Map(service.entries).set("image", {
      key: build.key,
      value: { kind: "scalar", mark: build.key, value: image.replace("REGISTRY", "registry") },
    });
    return { ...service, entries };
  });

const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

const pairs = (node: Node | undefined): string[] => [
  ...entriesOf(node).map(([key, e]) => (isNull(e.value) ? key : `${key}=${textOf(e.value) ?? ""}`)),
  ...itemsOf(node).flatMap((item) => textOf(item) ?? []),
];

/** The line that does what the section says. Values of arguments may be secrets: their names alone are shown. */
export const buildCommand = (build: Node, image: string): string => {
  const text = (key: string): string | undefined => textOf(get(build, key));
  const context = textOf(build) ?? text("context") ?? ".";
  const dockerfile = text("dockerfile");
  const file =
    dockerfile === undefined ? [] : ["-f", word(dockerfile.startsWith("/") ? dockerfile : `${context.replace(/\/$/, "")}/${dockerfile}`)];
  const args = pairs(get(build, "args")).flatMap((pair) => ["--build-arg", word(pair.replace(/=.*/s, "=…"))]);
  const target = text("target");
  const platforms = itemsOf(get(build, "platforms")).flatMap((p) => textOf(p) ?? []);
  return [
    "docker build",
    "-t",
    image,
    ...file,
    ...args,
    ...(target === undefined ? [] : ["--target", word(target)]),
    ...(platforms.length === 0 ? [] : ["--platform", platforms.join(",")]),
    ...pairs(get(build, "additional_contexts")).flatMap((pair) => ["--build-context", word(pair)]),
    ...(text("network") === undefined ? [] : ["--network", word(text("network") ?? "")]),
    word(context),
  ].join(" ");
};
