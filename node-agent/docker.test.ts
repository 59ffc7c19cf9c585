import { describe, expect, it } from "vitest";
import { agree, logLines, splitReference } from "./docker-wire.ts";
import { classify } from "./docker-errors.ts";

describe("docker", () => {
  it("agrees on the older of two API versions", () => {
    expect([agree("1.41"), agree("1.45"), agree("1.99"), agree("2.0")]).toEqual(["1.41", "1.45", "1.49", "1.49"]);
    expect(() => agree("1.40")).toThrow("1.41 (Docker 20.10) or newer is needed");
  });

  it.each([
    ["nginx", "nginx", "latest"],
    ["nginx:1.27", "nginx", "1.27"],
    ["localhost:5000/a/b", "localhost:5000/a/b", "latest"],
    ["localhost:5000/a/b:2", "localhost:5000/a/b", "2"],
    ["a/b:2@sha256:ab", "a/b", "sha256:ab"],
  ])("%s is tag %s of a repository", (image, repository, tag) => {
    expect(splitReference(image)).toEqual({ repository, tag });
  });

  it("takes frames off log lines", () => {
    const frame = (kind: number, text: string): Buffer => {
      const head = Buffer.alloc(8);
      head[0] = kind;
      head.writeUInt32BE(Buffer.byteLength(text), 4);
      return Buffer.concat([head, Buffer.from(text)]);
    };
    expect(logLines(Buffer.concat([frame(1, "out\npar"), frame(2, "tial\r\n")]))).toEqual(["out", "partial"]);
    expect(logLines(Buffer.from("plain\n"))).toEqual(["plain"]);
  });

  const said = (statusCode: number | undefined, message: string, code?: string) =>
    Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message} `), { statusCode, code, json: { message } });
  it.each([
    ["create", said(404, "No such image: a:1"), "imageNotFound"],
    ["create", said(409, 'Conflict. The container name "/a" is already in use by container'), "nameConflict"],
    [
      "start",
      said(500, "driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated"),
      "portConflict",
    ],
    ["start", said(404, "network abc not found"), "notFound"],
    ["start", said(400, "OCI runtime create failed: exec: not found"), "invalid"],
    ["create network", said(500, "could not find an available, non-overlapping IPv4 address pool among the defaults"), "addressPool"],
    ["start", said(404, "network shop_a is ambiguous (2 matches found on name)"), "ambiguous"],
    ["inspect network", said(400, "2 matches found based on name: network shop_a is ambiguous"), "ambiguous"],
    ["create network", said(400, "all predefined address pools have been fully subnetted"), "addressPool"],
    ["remove network", said(403, "error while removing network: network n has active endpoints"), "inUse"],
    ["remove volume", said(409, "remove v: volume is in use - [abc]"), "inUse"],
    ["remove", said(409, "removal of container abc is already in progress"), "conflict"],
    ["pull", said(404, "pull access denied for a, repository does not exist or may require 'docker login'"), "imageDenied"],
    ["pull", new Error("manifest for a:1 not found: manifest unknown"), "imageNotFound"],
    ["create", said(500, "write /x: no space left on device"), "noSpace"],
    ["list", Object.assign(new Error("connect ENOENT /x"), { code: "ENOENT" }), "unavailable"],
    ["list", said(500, "something"), "failed"],
  ])("%s: %s", (operation, error, kind) => {
    const classified = classify(error, operation);
    expect(classified.kind).toBe(kind);
    expect(classified.message).not.toContain("HTTP code");
  });
});
