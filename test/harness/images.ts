// The images of the tests: those of the examples, so that there is one way to build images.
import { buildImages, type ImageName, IMAGES } from "../../examples/images/build.ts";
import type { Engine } from "./engine.ts";

/** `web` serves on port 80 (`/bin/serve`); with the command `/bin/hold` it does nothing. Both end at once on SIGTERM. */
export const TEST_IMAGES = IMAGES;

/** Loads images into each engine, one engine after the other. */
export async function loadImages(engines: Engine[], names: ImageName[] = ["web", "web2"]): Promise<void> {
  for (const engine of engines) await buildImages(engine.url, names);
}
