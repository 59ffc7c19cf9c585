import { describe, expect, it } from "vitest";
import { loadSchema } from "../schemas/load.ts";
import { composeDoc } from "./generate/compose-doc.ts";

const rowsBelow = (doc: string, heading: string): string[] => {
  const section = doc.split(/^##+ /m).find((part) => part.startsWith(heading)) ?? "";
  return section.split("\n").filter((line) => line.startsWith("| `"));
};

describe("docs/compose.md", () => {
  const compose = loadSchema("compose");
  const doc = composeDoc(compose);
  const service = compose.$defs?.ComposeService ?? {};

  it("has a row for each key of a service: supported, with a difference, or refused", () => {
    const rows = rowsBelow(doc, "`services.<name>`\n");
    const keyed = (state: string): string[] => rows.filter((r) => r.includes(`| ${state} |`)).map((r) => /`([^`]+)`/.exec(r)?.[1] ?? "");
    const refused = [...keyed("**refused**"), ...keyed("by `steady`")];
    expect(refused.toSorted()).toEqual(Object.keys(service["x-not-supported"] ?? {}).toSorted());
    expect(keyed("by `steady`")).toEqual(["env_file", "extends", "label_file", "profiles"]);
    const properties = Object.entries(service.properties ?? {});
    expect(keyed("difference")).toEqual(properties.flatMap(([key, s]) => (s["x-difference"] ? [key] : [])).toSorted());
    expect(keyed("supported")).toEqual(properties.flatMap(([key, s]) => (s["x-difference"] ? [] : [key])).toSorted());
  });

  it("goes down to what lists and maps hold, each place once", () => {
    for (const path of [
      "services.<name>.ports[]",
      "services.<name>.volumes[].tmpfs",
      "services.<name>.deploy.resources.limits",
      "networks.<name>",
    ]) {
      expect(rowsBelow(doc, `\`${path}\``).length, path).toBeGreaterThan(0);
    }
    expect(doc).toMatch(/### `services.<name>.post_start\[\]`\n\n.*Also at `services.<name>.pre_stop\[\]`/);
  });
});
