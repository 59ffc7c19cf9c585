// An unmodified kubectl, old and new, against a fleet of real Docker hosts: every row of docs/kubernetes.md.
import { afterAll, beforeAll, describe, it } from "vitest";
import { Fleet } from "../harness/fleet.ts";
import { Kubectl, kubectlPrograms } from "../kubectl.ts";
import { Player } from "./play.ts";
import { clientOf } from "./story.ts";
import { STORIES } from "./stories/index.ts";

const programs = await kubectlPrograms();
let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start({ nodes: 2 });
});
afterAll(() => fleet?.stop());

describe.each(programs)("kubectl $version", (program) => {
  const namespace = `k${program.version.replace(".", "-")}`;
  let kubectl: Kubectl;

  beforeAll(async () => {
    const { server, token, ca = "" } = fleet.client.options;
    kubectl = new Kubectl(program, { server, token, caPem: ca }, namespace);
    await kubectl.ok("create", "namespace", namespace);
  });
  afterAll(() => kubectl?.close());

  describe.each(STORIES)("$name", (story) => {
    let player: Player;
    beforeAll(() => {
      player = new Player(kubectl, story);
    });
    for (const step of story.steps)
      if (step.only === undefined || step.only === clientOf(program.version)) it(`kubectl ${step.run}`, () => player.play(step));
  });
});
