import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realEnv } from "../../store/env.ts";
import { loadAccess } from "./kubeconfig.ts";
import { editKubeconfig, withContext, withoutContext } from "./kubeconfig-edit.ts";

const OTHERS = `# my clusters
apiVersion: v1
kind: Config
clusters:
- cluster: {server: "https://prod:6443"}   # do not touch
  name: prod-eu
users:
- {name: ann, user: {token: abc}}
contexts:
- context: {cluster: prod-eu, user: ann, namespace: web}
  name: prod-eu
current-context: prod-eu
preferences: {}
`;
const NEW = { name: "steadfleet-dev", server: "https://127.0.0.1:7443", ca: "PEM", token: "t0" };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "steadfleet-kube-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const io = (env: Record<string, string> = {}): { env: Record<string, string>; home: string; cwd: string } => ({ env, home: dir, cwd: dir });
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

describe("reading a kubeconfig", () => {
  it("follows context, cluster and user", () => {
    const path = file("c", OTHERS);
    expect(loadAccess(io(), { kubeconfig: path })).toEqual({
      context: "prod-eu",
      server: "https://prod:6443",
      namespace: "web",
      insecure: false,
      token: "abc",
    });
  });

  it("reads certificates from data and from files beside it", () => {
    file("ca.pem", "CA");
    const text = `
clusters: [{name: c, cluster: {server: "https://x/", certificate-authority: ca.pem, tls-server-name: api}}]
users: [{name: u, user: {client-certificate-data: ${btoa("CERT")}, client-key-data: ${btoa("KEY")}}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c`;
    expect(loadAccess(io({ KUBECONFIG: file("c", text) }), {})).toEqual({
      context: "c",
      server: "https://x",
      namespace: "default",
      insecure: false,
      ca: "CA",
      serverName: "api",
      cert: "CERT",
      key: "KEY",
    });
  });

  it("merges several files: the first to name a thing wins", () => {
    const a = file("a", "current-context: one\ncontexts: [{name: one, context: {cluster: x, user: u}}]");
    const b = file(
      "b",
      'clusters: [{name: x, cluster: {server: "https://b"}}]\nusers: [{name: u, user: {token: tb}}]\ncurrent-context: two',
    );
    const c = file("c", 'clusters: [{name: x, cluster: {server: "https://c"}}]');
    expect(loadAccess(io({ KUBECONFIG: [a, join(dir, "missing"), b, c].join(":") }), {})).toMatchObject({
      server: "https://b",
      token: "tb",
    });
  });

  const refusals: [name: string, text: string, context: string | undefined, want: RegExp][] = [
    ["an empty file", "", undefined, /no cluster is chosen/],
    ["a context that is not there", OTHERS, "prod-us", /no context "prod-us".*Did you mean: prod-eu\?/],
    ["a context without a cluster", "contexts: [{name: a, context: {}}]\ncurrent-context: a", undefined, /names no cluster/],
    [
      "credentials by a program",
      'contexts: [{name: a, context: {cluster: a, user: a}}]\nclusters: [{name: a, cluster: {server: "https://a"}}]\nusers: [{name: a, user: {exec: {}}}]',
      "a",
      /"exec" are not supported yet/,
    ],
    ["something that is no YAML", "a: [", undefined, /not YAML/],
  ];
  it.each(refusals)("says what is wrong with %s", (_, text, context, want) => {
    const path = file("c", text);
    expect(() => loadAccess(io(), { kubeconfig: path, context })).toThrow(want);
  });
});

describe("editing a kubeconfig", () => {
  it("adds a context and touches nothing else", () => {
    const { text, previous } = withContext(OTHERS, NEW);
    expect(previous).toBe("prod-eu");
    expect(text).toMatchInlineSnapshot(`
      "# my clusters
      apiVersion: v1
      kind: Config
      clusters:
        - cluster: { server: "https://prod:6443" } # do not touch
          name: prod-eu
        - name: steadfleet-dev
          cluster:
            server: https://127.0.0.1:7443
            certificate-authority-data: UEVN
      users:
        - { name: ann, user: { token: abc } }
        - name: steadfleet-dev
          user:
            token: t0
      contexts:
        - context: { cluster: prod-eu, user: ann, namespace: web }
          name: prod-eu
        - name: steadfleet-dev
          context:
            cluster: steadfleet-dev
            user: steadfleet-dev
      current-context: steadfleet-dev
      preferences: {}
      "
    `);
  });

  it("replaces its own context, and is the same when done twice", () => {
    const once = withContext(OTHERS, NEW).text;
    const again = withContext(once, { ...NEW, token: "t1" });
    expect(again.previous).toBeUndefined();
    expect(again.text).toBe(once.replace("t0", "t1"));
  });

  it("starts a file that is empty or missing", () => {
    expect(loadAccess(io(), { kubeconfig: file("c", withContext("", NEW).text) })).toMatchObject({
      context: NEW.name,
      token: "t0",
      ca: "PEM",
    });
  });

  it("takes its context away, and gives the current one back", () => {
    const text = withoutContext(withContext(OTHERS, NEW).text, NEW.name, "prod-eu");
    expect(text).toContain("current-context: prod-eu");
    expect(text).toContain("# do not touch");
    expect(text).not.toContain("steadfleet-dev");
    expect(withoutContext(OTHERS, NEW.name)).toBeUndefined();
  });

  it("leaves another current context alone", () => {
    const text = withContext(OTHERS, NEW).text.replace("current-context: steadfleet-dev", "current-context: prod-eu");
    expect(withoutContext(text, NEW.name, "gone")).toContain("current-context: prod-eu");
  });

  it("replaces the file as a whole, private, behind a link, and leaves no lock", async () => {
    const real = file("real", OTHERS);
    chmodSync(real, 0o644);
    const link = join(dir, "link");
    symlinkSync(real, link);
    await editKubeconfig(link, realEnv, (text) => withContext(text, NEW).text);
    expect(statSync(real).mode & 0o777).toBe(0o600);
    expect(readFileSync(link, "utf8")).toContain("steadfleet-dev");
    expect(existsSync(`${real}.lock`)).toBe(false);
  });

  it("does not change a file that it cannot read", async () => {
    const path = file("c", "a: [");
    await expect(editKubeconfig(path, realEnv, (text) => withContext(text, NEW).text)).rejects.toThrow(/not YAML/);
    expect(readFileSync(path, "utf8")).toBe("a: [");
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it("waits for whoever writes now, and says so when that takes too long", async () => {
    const path = file("c", OTHERS);
    writeFileSync(`${path}.lock`, "");
    let waits = 0;
    const clock = { ...realEnv, sleep: async () => void waits++ };
    await expect(editKubeconfig(path, clock, () => "x")).rejects.toThrow(/another program is writing/);
    expect(waits).toBeGreaterThan(10);
    expect(readFileSync(path, "utf8")).toBe(OTHERS);
  });
});
