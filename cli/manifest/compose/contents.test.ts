import { describe, expect, it } from "vitest";
import { composeProject } from "../../testing/compose.ts";

const text = `
services:
  web:
    image: web
    configs: [conf, bin, {source: var, target: /x}, ext]
    secrets: [db_password, {source: token}]
configs:
  conf: {file: ./web.conf}
  bin: {file: logo.png}
  var: {environment: CONF}
  ext: {external: true}
  inline: {content: "x \${CONF}"}
secrets:
  db_password: {file: db.txt}
  token: {environment: TOKEN}
  unused: {file: nope.txt}
`;
const files = { "compose.yaml": text, "web.conf": "listen $PORT;\n", "logo.png": new Uint8Array([0xff, 0xd8, 0]), "db.txt": "hunter2\n" };

describe("configs and secrets", () => {
  it("configs become content, binary ones a ConfigMap, secrets become Secrets", () => {
    const { spec, objects, problems } = composeProject({ files, env: { CONF: "c", TOKEN: "hunter3" }, name: "shop" });
    expect(problems).toEqual([
      "warning compose.yaml:12:3 configs.inline is used by no service, and is left alone",
      "warning compose.yaml:16:3 secrets.unused is used by no service, and is left alone",
    ]);
    expect(spec["configs"]).toEqual({
      conf: { content: "listen $PORT;\n" },
      bin: { external: true, name: "shop-bin" },
      var: { content: "c" },
      ext: { external: true },
      inline: { content: "x c" },
    });
    expect(spec["secrets"]).toEqual({
      db_password: { external: true, name: "shop-db-password" },
      token: { external: true, name: "shop-token" },
    });
    const labels = { "steadfleet.dev/stack": "shop" };
    expect(objects).toEqual([
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "shop-bin", namespace: "default", labels }, binaryData: { value: "/9gA" } },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "shop-db-password", namespace: "default", labels },
        type: "steadfleet.dev/compose",
        data: { value: Buffer.from("hunter2\n").toString("base64") },
      },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "shop-token", namespace: "default", labels },
        type: "steadfleet.dev/compose",
        data: { value: Buffer.from("hunter3").toString("base64") },
      },
    ]);
    expect(JSON.stringify(spec)).not.toContain("hunter");
  });

  it("large ones are a ConfigMap", () => {
    const big = { ...files, "web.conf": "x".repeat(300_000) };
    const { spec, objects } = composeProject({ files: big, env: { CONF: "c", TOKEN: "t" }, name: "shop" });
    expect(spec["configs"]).toMatchObject({ conf: { external: true, name: "shop-conf" } });
    expect(objects.filter((o) => o.kind === "ConfigMap").map((o) => o.metadata.name)).toEqual(["shop-conf", "shop-bin"]);
  });

  it("keys that differ in other letters alone do not meet", () => {
    const both = "services: {w: {image: w, secrets: [a_b, a.b, A-B]}}\nsecrets: {a_b: {file: s}, a.b: {file: s}, A-B: {file: s}}\n";
    const names = composeProject({ files: { "compose.yaml": both, s: "x" }, name: "shop" }).objects.map((o) => o.metadata.name);
    expect(new Set(names).size).toBe(3);
    expect(names[0]).toBe("shop-a-b");
  });

  it("says what is missing, and shows no value", () => {
    const { problems } = composeProject({ files: { "compose.yaml": text, "logo.png": "x" }, env: {} });
    expect(problems.filter((p) => p.startsWith("error"))).toEqual([
      expect.stringMatching(/^error compose.yaml:8:16 configs.conf: cannot read web.conf: ENOENT/),
      "error compose.yaml:10:22 configs.var: the variable CONF is not set",
      expect.stringMatching(/^error compose.yaml:14:23 secrets.db_password: cannot read db.txt: ENOENT/),
      "error compose.yaml:15:24 secrets.token: the variable TOKEN is not set",
    ]);
  });
});
