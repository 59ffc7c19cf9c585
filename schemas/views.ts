// Pods and Nodes as the API shows them: joins of what different writers keep in etcd. Pure, so that API and CLI agree.
export { ANNOTATIONS, type PodContext, type Revised } from "./views/common.ts";
export { nodeOf } from "./views/node.ts";
export { podOf } from "./views/pod.ts";
