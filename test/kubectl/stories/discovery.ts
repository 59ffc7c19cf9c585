import type { Story } from "../story.ts";

export const discovery: Story = {
  name: "finding out what there is",
  steps: [
    { run: "version", shows: "-", out: [/Server Version/] },
    {
      run: "api-versions",
      shows: "-",
      out: ["steadfleet.dev/v1", "apps/v1", "metrics.k8s.io/v1beta1", "coordination.k8s.io/v1", "events.k8s.io/v1", "policy/v1"],
    },
    {
      run: "api-resources",
      shows: "-",
      out: [
        /^stacks\s+stk\s+steadfleet\.dev\/v1\s+true\s+Stack$/m,
        /^stackrevisions\s+stkrev/m,
        /^deployments\s+deploy\s+apps\/v1/m,
        /^leases/m,
        /^serviceaccounts\s+sa/m,
      ],
    },
    { run: "api-resources --verbs=list,watch --namespaced -o name", out: ["pods", "stacks.steadfleet.dev", "deployments.apps"] },
    {
      run: "cluster-info",
      shows: "-",
      code: 1,
      err: ['resource type "services"'],
      refused: "there are no Services: `kubectl config view --minify` says where the API is",
    },
    { run: "get --raw /version", shows: "-", out: ['"gitVersion"'] },
    { run: "get --raw /readyz", out: ["ok"] },
    { run: "get --raw /openapi/v3", out: ["apis/steadfleet.dev/v1", "api/v1", "apis/apps/v1"] },
    { run: "explain stack.spec.services", shows: "stacks", out: ["image"] },
    { run: "explain stack.spec.services.healthcheck.interval", shows: "stacks" },
    { run: "explain pod.status.containerStatuses", shows: "pods", out: ["restartCount"] },
    { run: "explain node.spec.taints", shows: "nodes", out: ["effect"] },
    { run: "explain deployment.status.conditions", shows: "deployments", out: ["type"] },
    { run: "explain stackrevision", shows: "stackrevisions", out: ["spec"] },
    { run: "explain stack --recursive", out: ["services", "healthcheck", "depends_on"] },
    {
      run: "explain stack.spec.nothing",
      shows: "stacks",
      code: 1,
      err: [/field "nothing" does not exist/],
      refused: "a field that does not exist",
    },
    { run: "get nothings", code: 1, err: ["doesn't have a resource type"] },
  ],
};
