import type { Story } from "../story.ts";
import { auth, configmaps, namespaces, secrets } from "./core.ts";
import { discovery } from "./discovery.ts";
import { nodes } from "./nodes.ts";
import { stacks } from "./stacks.ts";
import { deployments, pods } from "./workloads.ts";

export const STORIES: readonly Story[] = [discovery, auth, namespaces, configmaps, secrets, stacks, pods, deployments, nodes];
