// Pods and Nodes as the API shows them: joins of what different writers keep in etcd; and Stacks as Deployments and ReplicaSets.
// Pure, so that API and CLI agree.
export { ANNOTATIONS, type PodContext, type Revised } from "./views/common.ts";
export { coreEventOf, eventsEventOf } from "./views/event.ts";
export { nodeOf } from "./views/node.ts";
export { podOf } from "./views/pod.ts";
export { deploymentsOf } from "./views/deployment.ts";
export { replicaSetsOf, type Template, templatesOf } from "./views/replicaset.ts";
