import { describe, expect, it } from "vitest";
import { credentialsFor } from "./auth.ts";
import { PullTally } from "./progress.ts";
import { digestsOf, parseReference, pinned } from "./reference.ts";

describe("a reference", () => {
  it.each([
    ["nginx", { registry: "docker.io", path: "library/nginx", name: "nginx" }],
    ["acme/api:2", { registry: "docker.io", path: "acme/api", tag: "2" }],
    ["index.docker.io/library/nginx:1", { registry: "docker.io", path: "library/nginx", tag: "1" }],
    ["localhost/app", { registry: "localhost", path: "app" }],
    ["10.0.0.1:5000/team/app:1@sha256:ab", { registry: "10.0.0.1:5000", path: "team/app", tag: "1", digest: "sha256:ab" }],
  ])("%s", (text, parts) => expect(parseReference(text)).toMatchObject(parts));

  it("is pinned by its digest, once", () => {
    expect(pinned("nginx:1", "sha256:ab")).toBe("nginx:1@sha256:ab");
    expect(pinned("nginx:1@sha256:cd", "sha256:ab")).toBe("nginx:1@sha256:cd");
    expect(pinned("nginx:1", undefined)).toBe("nginx:1");
  });

  it("takes digests of its own repository only", () => {
    const digests = ["nginx@sha256:1", "mirror.example/library/nginx@sha256:2", "docker.io/library/nginx@sha256:3"];
    expect(digestsOf("nginx:1.27", digests)).toEqual(["sha256:1", "sha256:3"]);
    expect(digestsOf("app:1", null)).toEqual([]);
  });
});

describe("credentials", () => {
  const config = (auths: object): string => JSON.stringify({ auths });
  const ann = { username: "ann", password: "p:w" };
  const encoded = { auth: Buffer.from("bob:p:w").toString("base64") };
  const names = (image: string, ...configs: string[]): (string | undefined)[] => credentialsFor(image, configs).map((a) => a.username);

  it("go to their registry, by host and port", () => {
    expect(names("r.example:5000/a/b:1", config({ "r.example:5000": ann, "https://r.example": encoded }))).toEqual(["ann"]);
    expect(names("r.example/a", config({ "https://r.example/v2/": encoded }))).toEqual(["bob"]);
    expect(names("other.example/a", config({ "r.example": ann }))).toEqual([]);
  });
  it("know Docker Hub under its old name", () => {
    expect(names("nginx", config({ "https://index.docker.io/v1/": ann }))).toEqual(["ann"]);
    expect(names("acme/app", config({ "docker.io": ann }))).toEqual(["ann"]);
  });
  it("are tried most particular first", () => {
    const both = config({ "r.example": ann, "r.example/team": encoded });
    expect(names("r.example/team/app", both)).toEqual(["bob", "ann"]);
    expect(names("r.example/teams/app", both)).toEqual(["ann"]);
  });
  it("match a star for one part of a host", () => {
    expect(names("a.r.example/x", config({ "*.r.example": ann }))).toEqual(["ann"]);
    expect(names("a.b.r.example/x", config({ "*.r.example": ann }))).toEqual([]);
  });
  it("keep colons of passwords, and take what cannot be read for nothing", () => {
    expect(credentialsFor("r.example/a", [config({ "r.example": encoded })])[0]?.password).toBe("p:w");
    expect(credentialsFor("r.example/a", ["{", "null", config({ "r.example": null }), config({ "r.example": { auth: "??" } })])).toEqual(
      [],
    );
    expect(credentialsFor("r.example/a", [config({ "r.example": { identitytoken: "t" } })])[0]?.identitytoken).toBe("t");
  });
});

describe("progress", () => {
  it("counts layers and bytes, and never goes back", () => {
    const tally = new PullTally();
    expect(tally.toString()).toBe("");
    tally.add({ id: "1.27", status: "Pulling from library/nginx" });
    for (const id of ["a", "b", "c"]) tally.add({ id, status: "Pulling fs layer" });
    expect(tally.toString()).toBe("0/3 layers");
    tally.add({ id: "a", status: "Already exists" });
    tally.add({ id: "b", status: "Downloading", current: 42_500_000, total: 120_000_000 });
    expect(tally.toString()).toBe("1/3 layers, 42 MB of 120 MB");
    tally.add({ id: "b", status: "Download complete" });
    tally.add({ id: "b", status: "Extracting", current: 5, total: 10 });
    expect(tally.toString()).toBe("1/3 layers, 120 MB of 120 MB");
    tally.add({ id: "b", status: "Pull complete" });
    tally.add({ id: "c", status: "Downloading", current: 500, total: 1_500 });
    tally.add({ status: "Digest: sha256:…" });
    expect(tally.toString()).toBe("2/3 layers, 120 MB of 120 MB");
  });
});
