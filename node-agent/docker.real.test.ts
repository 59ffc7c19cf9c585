// The same contract as the fake's, on a real engine.
import { realEnv } from "../store/env.ts";
import { startHosts } from "../test/harness/hosts.ts";
import { loadImages, TEST_IMAGES } from "../test/harness/images.ts";
import { connectDocker } from "./docker.ts";
import { engineContract } from "./engine.contract.ts";

engineContract("docker", async () => {
  const hosts = await startHosts(1);
  const host = hosts.get("node-1");
  await loadImages([host], ["web"]);
  const engine = connectDocker({ socketPath: host.socketPath, env: realEnv });
  return {
    engine,
    image: TEST_IMAGES.web,
    close: async () => {
      engine.close();
      await hosts.stop();
    },
  };
});
