// Requests that nobody should have to answer, as bytes on a socket, each with the codes that refuse it rightly.
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { STACKS } from "./server.ts";

export const CMS = "/api/v1/namespaces/default/configmaps";

export interface Answered {
  code: number;
  text: string;
}

/** Name, what is sent, the codes that are right. */
export type Case = [name: string, send: () => Promise<Answered>, codes: number[]];

export interface Target {
  url: string;
  /** Of one who may do everything, so that nothing is refused for want of rights. */
  token: string;
  /** Of one who may read. */
  reader: string;
}

export const GROUPS = ["bodies", "named", "patches", "queries", "paths", "tokens", "deletes", "parts", "wires"] as const;

/** There are a ConfigMap and a Stack named `kept` at the target. */
export function hostileCases(o: Target): Record<(typeof GROUPS)[number], Case[]> {
  /** Writes bytes as they are, and reads until the server closes, or an answer is whole. */
  function raw(bytes: string | Buffer, how: { end?: boolean; more?: (socket: Socket) => void } = {}): Promise<Answered> {
    return new Promise((resolve) => {
      const socket = connect(Number(new URL(o.url).port), "127.0.0.1");
      let text = "";
      const done = (): void => {
        socket.destroy();
        resolve({ code: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text });
      };
      socket.on("data", (d: Buffer) => {
        text += d.toString("latin1");
        const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1];
        const head = text.indexOf("\r\n\r\n");
        if (length !== undefined && head >= 0 && text.length >= head + 4 + Number(length)) done();
      });
      socket.on("error", () => {});
      socket.on("close", done);
      socket.write(bytes);
      if (how.end) socket.end();
      how.more?.(socket);
    });
  }

  const head = (method: string, path: string, more: Record<string, string> = {}): string => {
    const headers = { Host: "x", Authorization: `Bearer ${o.token}`, ...more };
    return `${method} ${path} HTTP/1.1\r\n${Object.entries(headers)
      .map(([k, v]) => `${k}: ${v}\r\n`)
      .join("")}\r\n`;
  };
  const json = { "Content-Type": "application/json" };
  const send = (method: string, path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answered> =>
    raw(
      Buffer.concat([
        Buffer.from(head(method, path, { ...json, "Content-Length": String(Buffer.byteLength(body)), ...headers })),
        Buffer.from(body),
      ]),
    );
  const post = (body: string | Buffer, headers: Record<string, string> = {}, path = CMS): Promise<Answered> =>
    send("POST", path, body, headers);
  const patch = (type: string, body: string, path = `${CMS}/kept`): Promise<Answered> =>
    send("PATCH", path, body, { "Content-Type": `application/${type}` });
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answered> => raw(head("GET", path, headers));
  const cm = (name: unknown, more = ""): string =>
    `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":${JSON.stringify(name)}${more}}}`;
  const deep = (n: number): string => `${'{"a":'.repeat(n)}1${"}".repeat(n)}`;
  const laughs = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghij"
    .split("")
    .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefghij"[i]}`).join(",")}]\n`)
    .join("")}`;
  const apply = (yaml: string): Promise<Answered> =>
    send("PATCH", `${CMS}/kept?fieldManager=evil`, yaml, { "Content-Type": "application/apply-patch+yaml" });

  const bodies: Case[] = [
    ["text that is no JSON", () => post("{nope"), [400]],
    ["an empty body", () => post(""), [400]],
    ["a list for an object", () => post("[]"), [400]],
    ["a word for an object", () => post('"x"'), [400]],
    ["null", () => post("null"), [400]],
    ["two documents", () => post(`${cm("x")}${cm("y")}`), [400]],
    ["100,000 brackets", () => post("[".repeat(100_000)), [400]],
    ["objects 5,000 deep", () => post(deep(5_000)), [400]],
    ["70,000 values", () => post(`{"data":[${"0,".repeat(70_000)}0]}`), [400]],
    ["5 MiB of JSON", () => post(`{"a":"${"x".repeat(5 << 20)}"}`), [413]],
    ["a key twice", () => post('{"kind":"ConfigMap","kind":"Secret"}'), [400]],
    ["__proto__", () => post('{"__proto__":{"isAdmin":true}}'), [400]],
    ["__proto__ by escapes", () => post('{"\\u005f_proto__":{"isAdmin":true}}'), [400]],
    ["constructor.prototype in labels", () => post('{"metadata":{"labels":{"constructor":{"prototype":{"x":1}}}}}'), [400]],
    ["a number of 400 digits", () => post(`{"a":${"9".repeat(400)}}`), [400]],
    ["an integer that loses digits", () => post('{"a":9007199254740993}'), [400]],
    ["1e999", () => post('{"a":1e999}'), [400]],
    ["bytes that are not UTF-8", () => post(Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])), [400]],
    ["a byte order mark in UTF-16", () => post(Buffer.from("\ufeff{}", "utf16le")), [400]],
    ["metadata that is a list", () => post('{"apiVersion":"v1","kind":"ConfigMap","metadata":[]}'), [400, 422]],
    ["metadata that is absent", () => post('{"apiVersion":"v1","kind":"ConfigMap"}'), [400, 422]],
    ["another kind", () => post('{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}'), [400, 422]],
    ["another namespace", () => post(cm("x", ',"namespace":"kube-system"')), [400, 422]],
    ["labels of wrong types", () => post(cm("x", ',"labels":{"a":{"b":1}}')), [400, 422]],
    ["a list of names", () => post(cm(["x"])), [400, 422]],
    ["data that is text", () => post(`${cm("x").slice(0, -1)},"data":"x"}`), [400, 422]],
    ["YAML", () => post("kind: ConfigMap", { "Content-Type": "application/yaml" }), [415]],
    ["a form", () => post("a=b", { "Content-Type": "application/x-www-form-urlencoded" }), [415]],
    ["a gzip bomb", () => post(gzipSync(Buffer.alloc(64 << 20)), { "Content-Encoding": "gzip" }), [415]],
    [
      "forged protobuf",
      () => post(Buffer.from("k8s\0\x0a\xff\xff\xff\xff\xff", "latin1"), { "Content-Type": "application/vnd.kubernetes.protobuf" }),
      [400],
    ],
    [
      "protobuf that nests 5,000 deep",
      () =>
        post(Buffer.concat([Buffer.from("k8s\0"), Buffer.alloc(10_000, 0x12)]), { "Content-Type": "application/vnd.kubernetes.protobuf" }),
      [400],
    ],
    ["an object with a version", () => post(cm("x", ',"resourceVersion":"1"')), [400]],
  ];

  const names = ["..", "../../nodes/n2", "a/b", "a\u0000b", "\u202eevil", "x".repeat(300), "Ａ", "UPPER", "-a", ""];
  const named: Case[] = names.map((name) => [`the name ${JSON.stringify(name.slice(0, 20))}`, () => post(cm(name)), [422]]);

  const patches: Case[] = [
    ["a merge patch with __proto__", () => patch("merge-patch+json", '{"__proto__":{"x":1}}'), [400]],
    ["a merge patch that is a list", () => patch("merge-patch+json", "[1]"), [400]],
    ["a merge patch of the name", () => patch("merge-patch+json", '{"metadata":{"name":"other"}}'), [400, 422]],
    ["a merge patch of the uid", () => patch("merge-patch+json", '{"metadata":{"uid":"other"}}'), [409, 422]],
    ["a JSON patch into __proto__", () => patch("json-patch+json", '[{"op":"add","path":"/__proto__/x","value":1}]'), [400, 422]],
    [
      "a JSON patch into constructor",
      () => patch("json-patch+json", '[{"op":"add","path":"/constructor/prototype/x","value":1}]'),
      [400, 422],
    ],
    ["a JSON patch that is an object", () => patch("json-patch+json", "{}"), [400, 422]],
    [
      "a JSON patch of 20,000 copies",
      () => patch("json-patch+json", `[${Array(20_000).fill('{"op":"copy","from":"/data","path":"/data/x"}').join(",")}]`),
      [400, 413, 422],
    ],
    ["a strategic patch with a wrong directive", () => patch("strategic-merge-patch+json", '{"$patch":"explode"}'), [400, 422]],
    ["a patch of an unknown type", () => patch("x-patch", "{}"), [415]],
    ["an applied billion laughs", () => apply(laughs), [400, 413, 415, 422]],
    ["20,000 applied brackets", () => apply("[".repeat(20_000)), [400, 413, 415, 422]],
    ["an applied map of 60,000 keys", () => apply(Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join("\n")), [400, 413, 415, 422]],
    ["an applied __proto__", () => apply("__proto__: {x: 1}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}"), [400, 415, 422]],
    ["an applied tag", () => apply("!!js/function 'function(){}'"), [400, 415, 422]],
    ["an applied document without end", () => apply("a: [1, 2"), [400, 415, 422]],
  ];

  const queries: Case[] = [
    ["a label selector of 10,000 characters", () => get(`${CMS}?labelSelector=${"x".repeat(10_000)}`), [400]],
    ["a label selector of 1,000 terms", () => get(`${CMS}?labelSelector=${Array(1_000).fill("a").join(",")}`), [400]],
    ["a set of 800 values", () => get(`${CMS}?labelSelector=a+in+(${Array.from({ length: 800 }, (_, i) => `b${i}`).join(",")})`), [400]],
    ["a label selector of parentheses", () => get(`${CMS}?labelSelector=${"(".repeat(4_000)}`), [400]],
    ["a field selector of __proto__", () => get(`${CMS}?fieldSelector=__proto__%3D1`), [400]],
    ["a field selector of backslashes", () => get(`${CMS}?fieldSelector=metadata.name%3D${"%5C".repeat(3_999)}`), [400]],
    ["the limit -1", () => get(`${CMS}?limit=-1`), [400]],
    ["the limit 1e9", () => get(`${CMS}?limit=1e9`), [400]],
    ["the version x", () => get(`${CMS}?resourceVersion=x`), [400]],
    ["the version -1", () => get(`${CMS}?resourceVersion=-1`), [400]],
    ["the version 1.5 of one object", () => get(`${CMS}/kept?resourceVersion=1.5`), [400]],
    ["a version of 20 digits", () => get(`${CMS}?resourceVersion=${"9".repeat(20)}`), [400]],
    ["an unknown match", () => get(`${CMS}?resourceVersion=1&resourceVersionMatch=Sometimes`), [422]],
    ["a continue of rubbish", () => get(`${CMS}?continue=%00%ff`), [400]],
    ["a continue of 10,000 characters", () => get(`${CMS}?continue=${"A".repeat(10_000)}`), [400]],
    [
      "a continue that points elsewhere",
      () => get(`${CMS}?continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"../../nodes/n1\\u0000"}').toString("base64url")}`),
      [400],
    ],
    [
      "a continue of another namespace",
      () => get(`${CMS}?continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":5,"start":"kube-system/a\\u0000"}').toString("base64url")}`),
      [400],
    ],
    ["timeoutSeconds that is no number", () => get(`${CMS}?watch=true&timeoutSeconds=soon`), [400]],
    ["a watch with a continue", () => get(`${CMS}?watch=true&continue=abc`), [422]],
    ["initial events without a match", () => get(`${CMS}?watch=true&sendInitialEvents=true`), [422]],
    ["a dry run of Some", () => send("POST", `${CMS}?dryRun=Some`, cm("dry")), [400, 422]],
    ["a fieldValidation of Maybe", () => send("POST", `${CMS}?fieldValidation=Maybe`, cm("dry")), [400, 422]],
    ["a URL of 50,000 characters", () => get(`${CMS}?x=${"x".repeat(50_000)}`), [414]],
    ["a token in the URL", () => get(`${CMS}?access_token=${o.token}`), [400]],
    ["includeObject that is unknown", () => get(`${CMS}?includeObject=All`), [400]],
  ];

  const paths: Case[] = [
    ["dots in the path", () => get("/api/v1/namespaces/default/../../../etc/passwd"), [404]],
    ["encoded slashes", () => get("/api/v1/namespaces/..%2f..%2fnodes/configmaps"), [404]],
    ["NUL in a name", () => get(`${CMS}/a%00b`), [404]],
    ["a broken escape", () => get(`${CMS}/%zz`), [400, 404]],
    ["half a UTF-8 character", () => get(`${CMS}/%c3`), [400, 404]],
    ["an overlong slash", () => get(`${CMS}/%c0%af`), [400, 404]],
    ["another language", () => get(`${CMS}/%ef%bc%a1`), [404]],
    ["a star", () => raw(head("OPTIONS", "*")), [400, 404, 405]],
    ["no such path", () => get("/api/v2/everything"), [404]],
    ["PUT of a collection", () => send("PUT", CMS, "{}"), [405]],
    ["POST of an object", () => send("POST", `${CMS}/kept`, "{}"), [405]],
    ["TRACE", () => raw(head("TRACE", CMS)), [404, 405]],
    ["an unheard-of method", () => raw(head("PROPFIND", CMS)), [404, 405]],
    ["CONNECT", () => raw(head("CONNECT", "example.com:443")), [405]],
    ["an upgrade of a collection", () => get(CMS, { Connection: "Upgrade", Upgrade: "websocket" }), [400, 404]],
    ["an upgrade of nothing", () => get("//", { Connection: "Upgrade", Upgrade: "websocket" }), [400, 404]],
    [
      "an upgrade to h2c of a log",
      () => get("/api/v1/namespaces/default/pods/x/exec", { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c" }),
      [400, 403, 404],
    ],
    ["an Accept of images", () => get(CMS, { Accept: "image/png" }), [406]],
    ["an Accept of protobuf alone", () => get(CMS, { Accept: "application/vnd.kubernetes.protobuf" }), [406]],
  ];

  const tokens: Case[] = [
    ["no token", () => raw(`GET ${CMS} HTTP/1.1\r\nHost: x\r\n\r\n`), [401]],
    ["a token of another shape", () => get(CMS, { Authorization: "Bearer eyJhbGciOiJub25lIn0.e30." }), [401]],
    ["a token that nobody has", () => get(CMS, { Authorization: `Bearer steady_${"0".repeat(16)}_${"0".repeat(64)}` }), [401]],
    ["a password", () => get(CMS, { Authorization: "Basic YWRtaW46YWRtaW4=" }), [401]],
    ["a token of 30,000 characters", () => get(CMS, { Authorization: `Bearer ${"a".repeat(30_000)}` }), [401]],
    ["a reader that writes", () => send("POST", CMS, cm("x"), { Authorization: `Bearer ${o.reader}` }), [403]],
    ["a reader of secrets", () => get("/api/v1/secrets", { Authorization: `Bearer ${o.reader}` }), [403]],
    ["someone else's name", () => get(CMS, { "Impersonate-User": "system:admin" }), [403]],
  ];

  const deletes: Case[] = [
    ["a policy that is none", () => send("DELETE", `${CMS}/kept`, '{"propagationPolicy":"Everything"}'), [422]],
    ["a uid of someone else", () => send("DELETE", `${CMS}/kept`, '{"preconditions":{"uid":"x"}}'), [409]],
    ["preconditions that are a list", () => send("DELETE", `${CMS}/kept`, '{"preconditions":[1]}'), [400]],
    ["a negative grace", () => send("DELETE", `${CMS}/kept`, '{"gracePeriodSeconds":-1}'), [422]],
    ["a collection by a broken selector", () => raw(head("DELETE", `${CMS}?labelSelector=a%3D%3D%3Db`)), [400]],
    ["a collection with a broken body", () => send("DELETE", CMS, "{"), [400]],
  ];

  /** Any refusal of these is right: who serves what of them is not told here. */
  const NO = [400, 403, 404, 405, 406, 409, 415, 422];
  const DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/kept-web";
  const POD = "/api/v1/namespaces/default/pods/kept-web-0";
  const parts: Case[] = [
    ["a scale of -1", () => send("PUT", `${STACKS}/kept/scale`, '{"spec":{"replicas":-1}}'), NO],
    [
      "a scale of a list",
      () => send("PATCH", `${STACKS}/kept/scale`, '{"spec":{"replicas":[1]}}', { "Content-Type": "application/merge-patch+json" }),
      NO,
    ],
    [
      "a status with __proto__",
      () => send("PATCH", `${STACKS}/kept/status`, '{"status":{"__proto__":{"x":1}}}', { "Content-Type": "application/merge-patch+json" }),
      NO,
    ],
    [
      "a status that is text",
      () => send("PATCH", `${STACKS}/kept/status`, '{"status":"good"}', { "Content-Type": "application/merge-patch+json" }),
      NO,
    ],
    [
      "a Deployment with constructor",
      () =>
        send("PATCH", DEPLOYMENT, '{"spec":{"constructor":{"prototype":{"x":1}}}}', {
          "Content-Type": "application/strategic-merge-patch+json",
        }),
      NO,
    ],
    [
      "a Deployment scaled to 1e9 of text",
      () => send("PATCH", `${DEPLOYMENT}/scale`, '{"spec":{"replicas":"1e9"}}', { "Content-Type": "application/merge-patch+json" }),
      NO,
    ],
    ["an eviction of rubbish", () => send("POST", `${POD}/eviction`, "[1,2"), NO],
    ["an eviction of another pod", () => send("POST", `${POD}/eviction`, '{"metadata":{"name":"other"}}'), NO],
    ["a bare pod", () => send("POST", "/api/v1/namespaces/default/pods", '{"metadata":{"name":"x"},"spec":{"containers":[]}}'), NO],
    ["a log of the container ../..", () => get(`${POD}/log?container=../..&tailLines=-1`), NO],
    ["an exec that is no upgrade", () => get(`${POD}/exec?command=sh`), NO],
    ["an exec over a protocol of its own", () => get(`${POD}/exec?command=sh`, { Connection: "Upgrade", Upgrade: "gopher/1.0" }), NO],
    [
      "an exec with a key that is none",
      () =>
        get(`${POD}/exec?command=sh`, {
          Connection: "Upgrade",
          Upgrade: "websocket",
          "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": "x",
        }),
      NO,
    ],
    ["a review that is a list", () => send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "[]"), NO],
    [
      "a review with __proto__",
      () => send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", '{"spec":{"__proto__":{"x":1}}}'),
      NO,
    ],
    ["a finalize of nothing", () => send("PUT", "/api/v1/namespaces/default/finalize", "null"), NO],
    [
      "a service account's token",
      () => send("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", '{"spec":{"expirationSeconds":-5}}'),
      NO,
    ],
    ["a proxy to a node", () => get("/api/v1/nodes/n1/proxy/etc/passwd"), NO],
    ["the tunnel of a node", () => get("/apis/steadfleet.dev/v1/nodes/n1/tunnel", { Connection: "Upgrade", Upgrade: "websocket" }), NO],
  ];

  const wires: Case[] = [
    ["no HTTP at all", () => raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), [400]],
    ["the preface of HTTP/2", () => raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), [400]],
    ["HTTP/9.9", () => raw("GET / HTTP/9.9\r\nHost: x\r\n\r\n"), [400]],
    ["no Host", () => raw(`GET ${CMS} HTTP/1.1\r\nAuthorization: Bearer ${o.token}\r\n\r\n`), [400]],
    ["a Host that is none", () => get(CMS, { Host: "[::" }), [400]],
    ["80 KiB of headers", () => get(CMS, { "X-Long": "x".repeat(80_000) }), [431]],
    [
      "500 headers",
      () => raw(`GET ${CMS} HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 500 }, (_, i) => `X-${i}: 1\r\n`).join("")}\r\n`),
      [431],
    ],
    ["a header folded over lines", () => raw(`GET ${CMS} HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n c\x01\r\n\r\n`), [400, 401]],
    ["a header name with a space", () => raw(`GET ${CMS} HTTP/1.1\r\nHost: x\r\nBad Name: a\r\n\r\n`), [400]],
    [
      "length and chunks at once",
      () =>
        raw(
          `${head("POST", CMS, { ...json, "Content-Length": "5", "Transfer-Encoding": "chunked" })}0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n`,
        ),
      [400],
    ],
    ["two lengths", () => raw(`POST ${CMS} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`), [400]],
    ["a length that is none", () => raw(`POST ${CMS} HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n`), [400]],
    ["an encoding that is none", () => raw(`POST ${CMS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`), [400]],
    ["a chunk of no size", () => raw(`${head("POST", CMS, { ...json, "Transfer-Encoding": "chunked" })}zz\r\n`), [400]],
    ["an Expect of wonders", () => raw(`${head("POST", CMS, { ...json, Expect: "wonders", "Content-Length": "2" })}{}`), [417]],
    ["a body that ends too early", () => raw(`${head("POST", CMS, { ...json, "Content-Length": "100" })}{"a":`, { end: true }), [0, 400]],
    ["a head that ends too early", () => raw(`GET ${CMS} HT`, { end: true }), [0, 400]],
    [
      "chunks without end",
      () =>
        raw(head("POST", CMS, { ...json, "Transfer-Encoding": "chunked" }), {
          more: (socket) => {
            const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
            const on = (): void => {
              while (!socket.destroyed && socket.write(chunk));
            };
            socket.on("drain", on);
            on();
          },
        }),
      [413],
    ],
    // Both take as long as they are given: 10 s for a head, 30 s for all of a request.
    [
      "a head that dribbles",
      () =>
        raw(`GET ${CMS} HTTP/1.1\r\nHost: x\r\n`, {
          more: (socket) => {
            const drip = setInterval(() => socket.write("X: y\r\n"), 500);
            socket.on("close", () => clearInterval(drip));
          },
        }),
      [408],
    ],
    [
      "a body that dribbles",
      () =>
        raw(head("POST", CMS, { ...json, "Content-Length": "1000" }), {
          more: (socket) => {
            const drip = setInterval(() => socket.write(" "), 500);
            socket.on("close", () => clearInterval(drip));
          },
        }),
      [408],
    ],
  ];

  return { bodies, named, patches, queries, paths, tokens, deletes, parts, wires };
}
