// @kubernetes/client-node, unmodified, against a real fleet: the rows of docs/kubernetes.md for an independent client.
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Stack } from "../../schemas/types.ts";
import { IMAGES } from "../../examples/images/build.ts";
import { Fleet } from "../harness/fleet.ts";
import { type Place, ROWS } from "./client-node.ts";

const namespace = "default";
const ticking = "trap 'exit 0' TERM; httpd -p 80 -h /www; while true; do echo tick; sleep 1; done";

describe("@kubernetes/client-node", () => {
  let fleet: Fleet;
  let place: Place;

  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1 });
    const { server, token, ca = "" } = fleet.client.options;
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: "fleet", server, caData: Buffer.from(ca).toString("base64"), skipTLSVerify: false },
      { name: "tests", token },
    );
    const spec: Stack["spec"] = {
      services: { web: { image: IMAGES.web, command: ["sh", "-c", ticking], stop_grace_period: "2s", deploy: { replicas: 2 } } },
    };
    await fleet.up("lib", spec);
    const [pod] = await fleet.pods("lib");
    place = { config, namespace, pod: pod?.metadata.name ?? "" };
  });
  afterAll(() => fleet?.stop());

  for (const row of ROWS) it(`${row.what} (${row.kind})`, () => row.run(place));
});
