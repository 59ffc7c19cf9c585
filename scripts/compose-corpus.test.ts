import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { examine, examineAll, lastLine, type Row } from "./compose-corpus.ts";
import { Subject, type Outcome, type Replaced } from "./corpus/assess.ts";
import { silentDrops } from "./corpus/drops.ts";

const options = { env: {}, strict: false };
const corpus = fileURLToPath(new URL("../test/compose-corpus", import.meta.url));

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "steadfleet-corpus-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const folder = (files: Record<string, string>): string => {
  const root = mkdtempSync(join(dir, "x-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
};

describe("the corpus of Compose files", () => {
  let found: Row[] | undefined;
  const rowsOf = (): Row[] => (found ??= examineAll(corpus, options));

  it("has at least sixty files, of which at least 95 % are parsed", () => {
    const rows = rowsOf();
    expect(rows.length).toBeGreaterThanOrEqual(60);
    const refused = rows.filter((r) => r.refusals.length > 0);
    expect(refused.length / rows.length, refused.map((r) => `${r.name}: ${r.refusals.join("; ")}`).join("\n")).toBeLessThanOrEqual(0.05);
  });

  it("has no key that is dropped in silence", () => {
    expect(rowsOf().flatMap((r) => r.dropped.map((d) => `${r.name}: ${d}`))).toEqual([]);
  });
});

describe("the differential check", () => {
  const text = `services:\n  web:\n    image: x\n    hostname: w\n    restart: unless-stopped\n    environment: {A: a}\n`;

  /** As if the agent had forgotten a field. */
  class Forgetful extends Subject {
    override assess(profiles: readonly string[], replaced?: Replaced): Outcome {
      const outcome = super.assess(profiles, replaced);
      return { ...outcome, view: outcome.view?.replace(/"(hostname|Hostname)":"[^"]*",?/g, "").replace(/"?v1:[0-9a-f]+"?/g, "") };
    }
  }

  it("finds what is forgotten", () => {
    const root = folder({ "compose.yaml": text });
    const subject = new Forgetful({ name: "compose.yaml", files: [join(root, "compose.yaml")] }, options);
    expect(subject.assess([]).refusals).toEqual([]);
    expect(silentDrops(subject, [["*"]])).toEqual(["services.web.hostname"]);
  });

  it("is content where nothing is", () => {
    const root = folder({ "compose.yaml": text });
    expect(examine({ name: "compose.yaml", files: [join(root, "compose.yaml")] }, options).row.dropped).toEqual([]);
  });
});

describe("a folder of files", () => {
  it("takes override files with their base, passes over what others include, and counts what cannot be read", () => {
    const root = folder({
      "a/compose.yaml": "include: [part/inc.yaml]\nservices: {a: {extends: {file: common.yaml, service: c}}}\n",
      "a/compose.override.yaml": "services: {a: {hostname: h}}\n",
      "a/part/inc.yaml": "services: {i: {image: i}}\n",
      "a/common.yaml": "services: {c: {image: c}}\n",
      "b/app.yml": "version: '3'\nservices: {b: {image: 'b:${TAG}', ports: ['${PORT}:80'], volumes: ['${DATA}:/d']}}\n",
      "c/docker-compose.yml": "services:\n  c: [\n",
      "d/settings.yaml": "kind: Other\nservices: 3\n",
      "e/compose.yml": "services: {e: {image: e, env_file: nope.env}}\n",
    });
    const rows = examineAll(root, options);
    expect(rows.map((r) => [r.name, r.refusals.length])).toEqual([
      ["a/compose.yaml", 0],
      ["b/app.yml", 0],
      ["c/docker-compose.yml", 1],
      ["e/compose.yml", 0],
    ]);
    expect(lastLine(rows)).toBe("files 4, parsed 3, refused 1, warnings 2, silently dropped 0");
    expect(lastLine(examineAll(root, { ...options, strict: true }, { drops: false }))).toMatch(/^files 4, parsed 1, refused 3/);
  });
});
