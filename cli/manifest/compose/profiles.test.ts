import { describe, expect, it } from "vitest";
import { composeProject } from "../../testing/compose.ts";

const text = `
services:
  web: {image: web, depends_on: {debug: {condition: service_started, required: false}}}
  debug: {image: debug, profiles: [debug, dev]}
  cron: {image: cron, profiles: [jobs], network_mode: "service:vpn"}
  vpn: {image: vpn, profiles: [vpn]}
`;
const load = (profiles: string[]): { names: string[]; problems: string[]; web: unknown } => {
  const { spec, problems } = composeProject({ files: { "compose.yaml": text }, profiles });
  const services = spec["services"] as Record<string, unknown>;
  return { names: Object.keys(services), problems, web: services["web"] };
};

describe("profiles", () => {
  it("without any: services without profiles; the others are listed, and not waited for", () => {
    expect(load([])).toEqual({
      names: ["web"],
      problems: ["warning compose.yaml:4:3 left out, since no profile of theirs is active: debug (debug, dev), cron (jobs), vpn (vpn)"],
      web: { image: "web", depends_on: {} },
    });
  });

  it("an active one, and what its services need", () => {
    const { names, problems } = load(["jobs"]);
    expect(names).toEqual(["web", "cron", "vpn"]);
    expect(problems).toEqual([
      "warning compose.yaml:6:3 services.vpn is taken along, since cron needs it; of its profiles (vpn) none is active",
      "warning compose.yaml:4:3 left out, since no profile of theirs is active: debug (debug, dev)",
    ]);
  });

  it("an empty one is active as long as none is chosen", () => {
    const files = { "compose.yaml": 'services: {a: {image: a, profiles: ["", x]}, b: {image: b, profiles: [y]}}' };
    expect(Object.keys(composeProject({ files, profiles: [] }).spec["services"] as object)).toEqual(["a"]);
    expect(Object.keys(composeProject({ files, profiles: ["y"] }).spec["services"] as object)).toEqual(["b"]);
  });

  it("all, and one that nobody has", () => {
    expect(load(["*"])).toMatchObject({ names: ["web", "debug", "cron", "vpn"], problems: [] });
    expect(load(["*", "nope"]).problems).toEqual(['warning compose.yaml:3:3 no service has the profile "nope"']);
  });
});
