import type { Story } from "../story.ts";

const web = (image: string, more = ""): string => `apiVersion: steadfleet.dev/v1
kind: Stack
metadata:
  name: web
  labels: {app: web}
spec:
  services:
    web:
      image: ${image}
      deploy: {replicas: 2}
${more}`;
const V1 = "steadfleet.local/web:1";
const V2 = "steadfleet.local/web:2";

export const stacks: Story = {
  name: "stacks",
  files: {
    "web.yaml": web(V1),
    "web-2.yaml": web(V2),
    "typo.yaml": web(V1).replace("image:", "imgae:"),
    "two.yaml": `apiVersion: steadfleet.dev/v1
kind: Stack
metadata: {name: two, labels: {set: x}}
spec: {services: {a: {image: ${V1}}, b: {image: ${V1}}}}
`,
    "three.yaml": `apiVersion: steadfleet.dev/v1
kind: Stack
metadata: {name: three, labels: {set: x}}
spec: {services: {a: {image: ${V1}}}}
`,
    "replicas.yaml":
      "apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: web}\nspec: {services: {web: {deploy: {replicas: 1}}}}\n",
  },
  steps: [
    { run: "apply --dry-run=server -f web.yaml", out: ["created (server dry run)"] },
    { run: "create -f web.yaml", shows: "stacks", out: ["stack.steadfleet.dev/web created"] },
    { run: "wait --for=condition=Ready stack/web --timeout=90s", shows: "stacks", out: ["condition met"] },
    { run: "wait --for=jsonpath={.status.health}=Healthy stk/web --timeout=90s", shows: "stacks", only: "new", out: ["condition met"] },
    { run: "get stacks", shows: "stacks", out: [/^NAME\s+READY\s+UPDATED/, /^web\s+2\/2\s+2\/2\s+100%\s+Healthy/m] },
    { run: "get stk web -o wide", out: ["IMAGES"] },
    { run: "get all", out: ["stack.steadfleet.dev/web", "pod/web-web-0", "deployment.apps/web-web"] },
    { run: "describe stack web", shows: "stacks", out: [/^Name:\s+web$/m, "Healthy"] },
    { run: "apply -f web.yaml", shows: "stacks", err: [] },
    { run: "apply -f web.yaml", out: ["unchanged"] },
    { run: "diff -f web-2.yaml", shows: "stacks", code: 1, out: [/\+\s+image: steadfleet.local\/web:2/] },
    { run: "apply -f web-2.yaml", out: ["configured"] },
    { run: "wait --for=condition=Ready stack/web --timeout=90s" },
    { run: "get stackrevisions", shows: "stackrevisions", until: true, out: ["web-1", "web-2"] },
    { run: "describe stkrev web-1", shows: "stackrevisions", out: [V1] },
    { run: "delete stkrev web-1", code: 1, shows: "stackrevisions", refused: "revisions are the controller's" },
    { run: "scale stack web --replicas=3", shows: "stacks", out: ["scaled"] },
    { run: "get stack web -o jsonpath={.spec.services.web.deploy.replicas}", out: ["3"] },
    { run: "get stack web", until: true, out: [/3\/3/] },
    {
      run: "get stack web --subresource=scale -o jsonpath={.spec.replicas}",
      shows: "stacks",
      verb: "get --subresource=scale",
      only: "new",
      out: ["3"],
    },
    {
      run: "get stack web --subresource=status -o jsonpath={.status.health}",
      shows: "stacks",
      verb: "get --subresource=status",
      only: "new",
      out: [/\w/],
    },
    { run: "scale stack web --current-replicas=9 --replicas=1", code: 1, err: ["Expected replicas to be 9, was 3"] },
    {
      run: 'patch stack web --type=merge -p \'{"spec":{"services":{"web":{"stop_grace_period":"2s"}}}}\'',
      shows: "stacks",
      out: ["patched"],
    },
    {
      run: "patch stack web -p '{}'",
      code: 1,
      shows: "stacks",
      verb: "patch (strategic)",
      refused: "as for every custom kind: use `--type=merge`",
      err: [/merge-patch|unsupported media type|UnsupportedMediaType/i],
    },
    { run: "label stack web tier=front", shows: "stacks", out: ["labeled"] },
    { run: "annotate stack web kubernetes.io/change-cause=second", shows: "stacks", out: ["annotate"] },
    { run: "edit stack web", shows: "stacks", env: { KUBE_EDITOR: "sed -i s/web:2/web:1/" }, out: ["edited"] },
    { run: "apply --server-side --force-conflicts -f web.yaml", shows: "stacks", verb: "apply --server-side", out: ["serverside-applied"] },
    {
      run: "apply --server-side --validate=false --field-manager=scaler -f replicas.yaml",
      code: 1,
      err: [/conflict with "kubectl"|conflict with/, ".spec.services.web.deploy.replicas"],
      note: "Compose maps (services, networks, environment as a map …) merge field by field; Compose lists are replaced whole",
    },
    { run: "apply --server-side --validate=false --field-manager=scaler --force-conflicts -f replicas.yaml", out: ["serverside-applied"] },
    { run: "get stack web -o jsonpath={.spec.services.web.image},{.spec.services.web.deploy.replicas}", out: [`${V1},1`] },
    {
      run: "apply -f typo.yaml --validate=false",
      code: 1,
      err: ["spec.services.web.imgae", /did you mean .*image/],
      shows: "stacks",
      refused: "an unknown key, with what was meant",
    },
    {
      run: "apply -f two.yaml -f three.yaml -l set=x --prune --prune-whitelist=steadfleet.dev/v1/Stack",
      only: "old",
      out: ["two created", "three created"],
    },
    {
      run: "apply -f three.yaml -l set=x --prune --prune-whitelist=steadfleet.dev/v1/Stack",
      only: "old",
      shows: "stacks",
      verb: "apply --prune",
      out: ["two pruned"],
    },
    {
      run: "apply -f two.yaml -f three.yaml -l set=x --prune --prune-allowlist=steadfleet.dev/v1/Stack",
      only: "new",
      out: ["two created", "three created"],
    },
    {
      run: "scale stack two --replicas=2",
      only: "new",
      code: 1,
      err: ["kubectl scale deploy"],
      shows: "stacks",
      verb: "scale (several services)",
      refused: "names the Deployment to scale instead",
    },
    {
      run: "apply -f three.yaml -l set=x --prune --prune-allowlist=steadfleet.dev/v1/Stack",
      only: "new",
      shows: "stacks",
      verb: "apply --prune",
      out: ["two pruned"],
    },
    { run: "delete stack three --wait=false" },
    { run: "delete stack web --timeout=90s", shows: "stacks", out: ["deleted"] },
    { run: "get pods -l steadfleet.dev/stack=web -o name", until: true, without: ["pod/"] },
    { run: "get stkrev -o name", until: true, without: ["web-"] },
  ],
};
