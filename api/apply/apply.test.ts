import { describe, expect, it } from "vitest";
import { World } from "./testing/model.ts";

const services = (all: object) => ({ spec: { services: all } as never });
const web = (service: object) => services({ web: service });

describe("an apply", () => {
  it("creates, and owns what it said", () => {
    const w = new World();
    expect(w.apply("a", { metadata: { name: "shop", labels: { app: "shop" } }, ...web({ image: "x", ports: ["80"] }) })).toEqual([]);
    expect(w.owns("a")).toEqual([".metadata.labels.app", ".spec.services.web", ".spec.services.web.image", ".spec.services.web.ports"]);
    expect(w.entries).toEqual([
      {
        manager: "a",
        operation: "Apply",
        apiVersion: "steadfleet.dev/v1",
        time: "1970-01-01T00:00:01Z",
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:metadata": { "f:labels": { "f:app": {} } },
          "f:spec": { "f:services": { "f:web": { ".": {}, "f:image": {}, "f:ports": {} } } },
        },
      },
    ]);
  });

  it("said again changes nothing, not even the time", () => {
    const w = new World();
    w.apply("a", web({ image: "x" }));
    const before = w.object;
    w.apply("a", web({ image: "x" }));
    expect(w.object).toEqual(before);
  });

  it("leaves alone what it does not speak of", () => {
    const w = new World();
    w.apply("a", web({ image: "x", environment: { A: "1" } }));
    expect(w.apply("b", web({ environment: { B: "2" } }))).toEqual([]);
    expect(w.spec).toEqual({ services: { web: { image: "x", environment: { A: "1", B: "2" } } } });
  });

  it("is in conflict over another value, not over the same", () => {
    const w = new World();
    w.apply("a", web({ image: "x", deploy: { replicas: 1 } }));
    expect(w.apply("b", web({ image: "x" }))).toEqual([]);
    expect(w.apply("b", web({ image: "y", deploy: { replicas: 2 } }))).toEqual([
      "a .spec.services.web.deploy.replicas",
      "a .spec.services.web.image",
    ]);
    expect(w.spec).toEqual({ services: { web: { image: "x", deploy: { replicas: 1 } } } });
  });

  it("takes by force, from those who owned", () => {
    const w = new World();
    w.apply("a", web({ image: "x", user: "1" }));
    expect(w.apply("b", web({ image: "y" }), { force: true })).toEqual([]);
    expect(w.spec).toEqual({ services: { web: { image: "y", user: "1" } } });
    expect(w.owns("a")).toEqual([".spec.services.web", ".spec.services.web.user"]);
    expect(w.apply("a", web({ image: "x", user: "1" }))).toEqual(["b .spec.services.web.image"]);
  });

  it("takes away what its manager says no longer, unless someone else owns it", () => {
    const w = new World();
    w.apply("a", web({ image: "x", user: "1", hostname: "h" }));
    w.apply("b", web({ user: "1" }));
    w.apply("a", web({ image: "x" }));
    expect(w.spec).toEqual({ services: { web: { image: "x", user: "1" } } });
    w.apply("b", services({}));
    expect(w.spec).toEqual({ services: { web: { image: "x" } } });
    expect(w.managers).toEqual(["b Apply", "a Apply"].toSorted());
  });

  it("takes a service away with all that is in it", () => {
    const w = new World();
    w.apply("a", services({ web: { image: "x" }, db: { image: "y" } }));
    w.apply("a", services({ web: { image: "x" } }));
    expect(w.spec).toEqual({ services: { web: { image: "x" } } });
  });

  it("keeps what nobody owns beside what it takes away", () => {
    const w = new World({ metadata: { finalizers: ["steadfleet.dev/pods"], labels: { own: "1" } } });
    w.apply("a", { metadata: { finalizers: ["a/x"], labels: { mine: "1" } } });
    // Before the first apply someone was there; now nobody is.
    w.update("forgetful", {}, w.entries.filter((e) => e.manager === "a") as never);
    w.apply("a", {});
    expect(w.object?.metadata).toMatchObject({ finalizers: ["steadfleet.dev/pods"], labels: { own: "1" } });
  });

  it("of what was read back does not own the server's finalizers", () => {
    const w = new World({ metadata: { finalizers: ["steadfleet.dev/pods"] } });
    w.apply("a", { metadata: { finalizers: ["steadfleet.dev/pods", "a/x"] } });
    expect(w.owns("a")).toEqual(['.metadata.finalizers[="a/x"]']);
    w.apply("a", {});
    expect(w.object?.metadata.finalizers).toEqual(["steadfleet.dev/pods"]);
  });

  it("may turn a map into a list and back", () => {
    const w = new World();
    w.apply("a", web({ environment: { A: "1" }, networks: ["front"] }));
    w.apply("a", web({ environment: ["A=1"], networks: { back: null } }));
    expect(w.spec).toEqual({ services: { web: { environment: ["A=1"], networks: { back: null } } } });
    expect(w.owns("a")).toEqual([".spec.services.web", ".spec.services.web.environment", ".spec.services.web.networks.back"]);
    w.apply("b", web({ cap_add: ["X"] }));
    expect(w.apply("b", web({ environment: { B: "1" } }))).toEqual(["a .spec.services.web.environment"]);
    expect(w.apply("b", web({ environment: { B: "1" } }), { force: true })).toEqual([]);
    expect(w.owns("a")).toEqual([".spec.services.web", ".spec.services.web.networks.back"]);
  });

  it("merges sets, and keeps one-piece lists whole", () => {
    const w = new World();
    w.apply("a", web({ cap_add: ["A", "B"], ports: ["80"] }));
    expect(w.apply("b", web({ cap_add: ["C", "B"] }))).toEqual([]);
    expect(w.spec).toEqual({ services: { web: { cap_add: ["A", "C", "B"], ports: ["80"] } } });
    expect(w.apply("b", web({ cap_add: ["C"], ports: ["81"] }))).toEqual(["a .spec.services.web.ports"]);
    w.apply("b", web({ cap_add: ["C"] }));
    w.apply("a", web({ ports: ["80"] }));
    expect(w.spec).toEqual({ services: { web: { cap_add: ["C"], ports: ["80"] } } });
  });

  it("refuses items that cannot be told apart", () => {
    const w = new World();
    expect(w.apply("a", web({ cap_add: ["A", "A"] }))).toEqual(['Duplicate .spec.services.web.cap_add[="A"]']);
    expect(w.apply("a", { metadata: { ownerReferences: [{ name: "x" }] } })).toEqual(["Required .metadata.ownerReferences"]);
  });

  it("of the status touches nothing else", () => {
    const w = new World();
    w.apply("a", web({ image: "x" }));
    const condition = { type: "Ready", status: "True" };
    w.apply("s", { status: { conditions: [condition] }, spec: { services: {} } }, { subresource: "status" });
    expect(w.owns("s", "Apply", "status")).toEqual([
      '.status.conditions[type="Ready"]',
      '.status.conditions[type="Ready"].status',
      '.status.conditions[type="Ready"].type',
    ]);
    w.apply("s", { status: { conditions: [{ type: "Odd", status: "True" }] } }, { subresource: "status" });
    expect(w.object).toMatchObject({ spec: { services: { web: { image: "x" } } }, status: { conditions: [{ type: "Odd" }] } });
    w.apply("a", web({ image: "y" }));
    expect(w.object).toMatchObject({ status: { conditions: [{ type: "Odd" }] } });
    expect(w.owns("s", "Apply", "status")).toHaveLength(3);
  });
});

describe("other writes", () => {
  it("own what they add and change, and take it from others", () => {
    const w = new World();
    w.update("a", { metadata: { labels: { l: "1" } }, ...web({ image: "x", user: "1" }) });
    expect(w.owns("a", "Update")).toEqual([
      ".metadata.labels",
      ".metadata.labels.l",
      ".spec",
      ".spec.services",
      ".spec.services.web",
      ".spec.services.web.image",
      ".spec.services.web.user",
    ]);
    w.update("b", web({ image: "y" }));
    expect(w.owns("b", "Update")).toEqual([".spec.services.web.image"]);
    expect(w.owns("a", "Update")).not.toContain(".spec.services.web.user");
  });

  it("that change nothing leave everything as it is", () => {
    const w = new World();
    w.update("a", web({ image: "x" }));
    const before = w.object;
    w.update("b", web({ image: "x" }));
    expect(w.object).toEqual(before);
  });

  it("are told from an apply of the same name", () => {
    const w = new World();
    w.apply("kubectl", web({ image: "x", user: "1" }));
    w.update("kubectl", web({ image: "y", user: "1" }));
    expect(w.managers).toEqual(["kubectl Apply", "kubectl Update"]);
    expect(w.apply("kubectl", web({ image: "x", user: "1" }))).toEqual(["kubectl .spec.services.web.image"]);
  });

  it("do not begin to know an object of unknown history; the first apply does", () => {
    const w = new World(web({ image: "x" }));
    w.update("a", web({ image: "y" }));
    expect(w.entries).toEqual([]);
    expect(w.apply("b", web({ image: "z" }))).toEqual(["before-first-apply .spec.services.web.image"]);
    expect(w.apply("b", web({ image: "y" }))).toEqual([]);
    expect(w.managers).toEqual(["b Apply", "before-first-apply Update"]);
  });

  it("may make the server forget", () => {
    for (const reset of [[], [{}]]) {
      const w = new World();
      w.apply("a", web({ image: "x" }));
      w.update("b", web({ image: "y" }), reset);
      expect(w.entries).toEqual([]);
    }
    const w = new World();
    w.apply("a", web({ image: "x" }));
    for (const kept of [undefined, null]) w.update("b", {}, kept);
    expect(w.managers).toEqual(["a Apply"]);
  });

  it("may say who the managers are, and are refused when that makes no sense", () => {
    const w = new World();
    w.apply("a", web({ image: "x" }));
    const [entry] = w.entries;
    w.update("kubectl", {}, [{ ...entry, manager: "z", fieldsV1: { ...entry?.fieldsV1 } }] as never);
    expect(w.managers).toEqual(["z Apply"]);
    const wrong = { manager: "z\u0000", operation: "Delete", fieldsV1: { spec: {} }, time: "noon" };
    expect(() => w.update("kubectl", {}, [wrong])).toThrow(
      /managedFields\[0\]\.operation: must be .*apiVersion: must not be empty.*fieldsType.*invalid character at position 1.*time.*"spec" is no step/s,
    );
  });

  it("in great number are folded, the oldest first", () => {
    const w = new World();
    w.update("m00", { metadata: { labels: { m00: "1" } } });
    for (let i = 1; i <= 14; i++) {
      const labels = { ...w.object?.metadata.labels, [`m${String(i).padStart(2, "0")}`]: "1" };
      w.update(`m${String(i).padStart(2, "0")}`, { metadata: { labels } });
    }
    expect(w.managers).toEqual([
      "ancient-changes Update",
      ...[6, 7, 8, 9, 10, 11, 12, 13, 14].map((i) => `m${String(i).padStart(2, "0")} Update`),
    ]);
    expect(w.owns("ancient-changes", "Update")).toEqual([".metadata.labels", ...[0, 1, 2, 3, 4, 5].map((i) => `.metadata.labels.m0${i}`)]);
  });

  it("of a status know nothing else", () => {
    const w = new World();
    w.update("a", web({ image: "x" }));
    w.update("s", { status: { health: "Healthy" } }, undefined, "status");
    expect(w.owns("s", "Update", "status")).toEqual([".status", ".status.health"]);
    w.update("a", web({ image: "y" }));
    expect(w.owns("s", "Update", "status")).toEqual([".status", ".status.health"]);
  });
});
