// Texts as engines 20.10 and later gave them, of a real registry and of one that misbehaves (test/harness/fake-registry.ts).
import { describe, expect, it } from "vitest";
import { explain, retryDelayMs } from "./backoff.ts";
import { classify } from "./docker-errors.ts";

const pullError = (message: string, statusCode?: number) =>
  classify(Object.assign(new Error(message), statusCode ? { statusCode, json: { message } } : {}), "pull");

describe("why an image does not come", () => {
  it.each([
    ["imageNotFound", 404, "manifest for 10.1.0.1:5000/acme/nope:1 not found: manifest unknown: manifest unknown"],
    ["imageNotFound", 500, "manifest unknown"],
    ["imageDenied", 500, 'Head "http://10.1.0.1:5000/v2/acme/web/manifests/1": no basic auth credentials'],
    ["imageDenied", 500, "unauthorized: authentication required"],
    ["imageDenied", 500, "denied"],
    [
      "imageDenied",
      404,
      "pull access denied for acme/x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    ],
    ["imagePlatform", undefined, "no matching manifest for linux/amd64 in the manifest list entries"],
    ["imagePlatform", undefined, "no matching manifest for linux/arm64/v8 in the manifest list entries"],
    ["rateLimited", 500, "toomanyrequests: You have reached your pull rate limit."],
    ["registryUnreachable", 500, 'Get "http://10.1.0.1:1/v2/": dial tcp 10.1.0.1:1: connect: connection refused'],
    ["registryUnreachable", 500, 'Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid on 10.0.0.53:53: no such host'],
    ["registryUnreachable", 500, 'Get "https://10.255.255.1:5000/v2/": dial tcp 10.255.255.1:5000: i/o timeout'],
    ["registryUnreachable", 500, 'Get "https://10.1.0.1:5000/v2/": x509: certificate signed by unknown authority'],
    ["registryUnreachable", 500, 'Get "https://10.1.0.1:5000/v2/": http: server gave HTTP response to HTTPS client'],
    ["registryUnreachable", 500, "received unexpected HTTP status: 500 Internal Server Error"],
    ["noSpace", undefined, "failed to register layer: write /usr/lib/x: no space left on device"],
  ])("%s: %s %s", (kind, status, text) => {
    const error = pullError(text, status);
    expect(error.kind).toBe(kind);
    // The engine's words stay, and ours say what to do.
    expect(explain(error)).toMatchObject({ lastError: text, message: expect.stringMatching(/^pull: .{20,}/) });
  });

  it.each([
    ["toomanyrequests: retry-after: 90s, allowed: 44000/minute", 90_000],
    ["toomanyrequests: retry-after: 1m30.5s", 90_500],
    ["toomanyrequests: retry-after: 382.29µs, allowed: 44000/minute", 1],
    ["toomanyrequests: Rate exceeded, try again in 5 minutes", 300_000],
    ["toomanyrequests: You have reached your pull rate limit.", undefined],
  ])("%s", (text, ms) => expect(pullError(text, 500).retryAfterMs).toBe(ms));

  it("tells the cases of a registry that cannot be reached apart", () => {
    const advice = (text: string): string => explain(pullError(text, 500)).message;
    expect(advice("dial tcp: lookup r.example on 10.0.0.53:53: no such host")).toContain("DNS");
    expect(advice("dial tcp 10.1.0.1:5000: connect: connection refused")).toContain("nothing listens");
    expect(advice("x509: certificate signed by unknown authority")).toContain("certs.d");
    expect(advice("dial tcp 10.1.0.1:5000: i/o timeout")).toContain("cannot reach the registry");
  });

  it("waits as long as each kind deserves", () => {
    const delay = (text: string, n: number): number => retryDelayMs(n, pullError(text, 500), 0.5);
    expect([1, 2, 9].map((n) => delay("manifest unknown", n))).toEqual([20_000, 40_000, 600_000]);
    expect([1, 2, 9].map((n) => delay("dial tcp 10.1.0.1:1: i/o timeout", n))).toEqual([1_000, 2_000, 256_000]);
    expect([1, 9].map((n) => delay("toomanyrequests", n))).toEqual([60_000, 1_800_000]);
    expect(delay("toomanyrequests: retry-after: 90s", 1)).toBe(90_000);
    expect(delay("toomanyrequests: retry-after: 2h", 1)).toBe(7_200_000);
  });
});
