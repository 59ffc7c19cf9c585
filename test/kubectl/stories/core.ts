import { until } from "../../harness/until.ts";
import type { Story } from "../story.ts";

const settings = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: demo}}
data: {color: red, size: "3"}
`;

/** What every stored kind can do, shown on the plainest one. */
export const configmaps: Story = {
  name: "config maps",
  files: {
    "settings.yaml": settings,
    "settings-blue.yaml": settings.replace("red", "blue"),
    "owned.yaml": settings.replace("name: settings", "name: owned").replace('color: red, size: "3"', "color: red"),
    "other.yaml": settings.replace("name: settings", "name: owned").replace('color: red, size: "3"', "color: green, shape: round"),
    "set-1.yaml": `${settings.replace("name: settings", "name: one")}---\n${settings.replace("name: settings", "name: two")}`,
    "set-2.yaml": settings.replace("name: settings", "name: one"),
    "bad.yaml": settings.replace("\ndata:", "\ndta:"),
  },
  steps: [
    { run: "create configmap made --from-literal=a=1 --from-literal=b=grün", shows: "configmaps", out: ["configmap/made created"] },
    { run: "create configmap made --from-literal=a=1", code: 1, err: ["already exists"] },
    { run: "create -f settings.yaml", shows: "configmaps" },
    { run: "get configmaps", shows: "configmaps", out: [/^NAME\s+DATA\s+AGE/, /^made\s+2/m, /^settings\s+2/m] },
    { run: "get cm settings -o yaml", out: ["color: red"], without: ["managedFields"], only: "new" },
    { run: "get cm settings -o yaml --show-managed-fields", out: ["managedFields", "f:color"], only: "new" },
    { run: "get cm -l app=demo,!x -o name", out: ["configmap/settings"], without: ["made"] },
    { run: "get cm --field-selector metadata.name=made -o jsonpath={.items[*].data.b}", out: ["grün"] },
    { run: "get cm --chunk-size=1 -o name", out: ["configmap/made", "configmap/settings"] },
    { run: "get cm --sort-by=.metadata.name --show-labels -L app", out: ["app=demo"] },
    { run: "get cm settings -o custom-columns=C:.data.color", out: ["red"] },
    { run: "describe configmap settings", shows: "configmaps", out: ["color:", "red"] },
    { run: "apply -f settings.yaml", shows: "configmaps", out: ["configured"] },
    { run: "apply -f settings.yaml", out: ["unchanged"] },
    { run: "diff -f settings-blue.yaml", shows: "configmaps", code: 1, out: [/-\s+color: red/, /\+\s+color: blue/] },
    {
      run: "diff --server-side -f settings-blue.yaml --force-conflicts",
      shows: "configmaps",
      verb: "diff --server-side",
      code: 1,
      out: [/\+\s+color: blue/],
    },
    { run: "apply --dry-run=server -f settings-blue.yaml", out: ["(server dry run)"] },
    { run: "get cm settings -o jsonpath={.data.color}", out: ["red"] },
    { run: "apply -f settings-blue.yaml", out: ["configured"] },
    { run: 'patch cm settings -p \'{"data":{"size":"4"}}\'', shows: "configmaps", out: ["patched"] },
    { run: 'patch cm settings --type=merge -p \'{"data":{"size":null}}\'', out: ["patched"] },
    { run: 'patch cm settings --type=json -p \'[{"op":"add","path":"/data/new","value":"x"}]\'', out: ["patched"] },
    { run: 'patch cm settings --type=json -p \'[{"op":"test","path":"/data/new","value":"y"}]\'', code: 1 },
    { run: "get cm settings -o jsonpath={.data}", out: ['"color":"blue"', '"new":"x"'], without: ["size"] },
    { run: "label cm settings tier=front", shows: "configmaps", out: ["labeled"] },
    { run: "annotate cm settings note='hello there'", shows: "configmaps", out: ["annotate"] },
    { run: "edit cm settings", shows: "configmaps", env: { KUBE_EDITOR: "sed -i s/blue/pink/" }, out: ["edited"] },
    { run: "replace -f settings.yaml", shows: "configmaps", out: ["replaced"] },
    { run: "replace --force -f settings.yaml", out: ["replaced"] },
    {
      run: "create -f bad.yaml",
      code: 1,
      err: [/dta: unknown field; did you mean "data"|unknown field "dta"/],
      shows: "configmaps",
      refused: "an unknown field, before anything is stored",
    },
    // Server-side apply: two managers, a conflict, and its end.
    {
      run: "apply --server-side --field-manager=one -f owned.yaml",
      shows: "configmaps",
      verb: "apply --server-side",
      out: ["serverside-applied"],
    },
    { run: "apply --server-side --field-manager=one -f owned.yaml", out: ["serverside-applied"] },
    {
      run: "apply --server-side --field-manager=two -f other.yaml",
      code: 1,
      err: [/conflict with "one"/, ".data.color"],
      shows: "configmaps",
      verb: "apply --server-side",
      refused: "a field that another manager owns, until `--force-conflicts`",
    },
    { run: "apply --server-side --field-manager=two --force-conflicts -f other.yaml", out: ["serverside-applied"] },
    { run: "get cm owned -o jsonpath={.data}", out: ['"color":"green"', '"shape":"round"'] },
    // From client-side to server-side: kubectl migrates the ownership by itself.
    { run: "apply --server-side -f settings.yaml", out: ["serverside-applied"], only: "new" },
    // Pruning, both ways.
    {
      run: "apply -f set-1.yaml -l app=demo --prune --prune-whitelist=core/v1/ConfigMap",
      shows: "configmaps",
      verb: "apply --prune",
      only: "old",
      out: ["one created", "two created"],
    },
    { run: "apply -f set-2.yaml -l app=demo --prune --prune-whitelist=core/v1/ConfigMap", only: "old", out: [/two pruned/] },
    {
      run: "apply -f set-1.yaml -l app=demo --prune --prune-allowlist=core/v1/ConfigMap",
      shows: "configmaps",
      verb: "apply --prune",
      only: "new",
      out: ["one created", "two created"],
    },
    { run: "apply -f set-2.yaml -l app=demo --prune --prune-allowlist=core/v1/ConfigMap", only: "new", out: [/two pruned/] },
    {
      run: "apply -n $ns --prune --applyset=sets -f set-1.yaml",
      env: { KUBECTL_APPLYSET: "true" },
      only: "new",
      shows: "configmaps",
      verb: "apply --prune --applyset",
      out: [/two (created|configured)/],
    },
    { run: "apply -n $ns --prune --applyset=sets -f set-2.yaml", env: { KUBECTL_APPLYSET: "true" }, only: "new", out: [/two pruned/] },
    {
      run: "get cm --as=someone",
      code: 1,
      err: ["impersonat"],
      shows: "configmaps",
      verb: "--as",
      refused: "impersonation: use a token of that user",
    },
    { run: "wait --for=jsonpath={.data.color}=green cm/owned --timeout=20s", shows: "configmaps", only: "new", out: ["condition met"] },
    {
      run: "wait --for=delete cm/owned --timeout=30s",
      shows: "configmaps",
      meanwhile: async (w) => {
        // Gone before kubectl watches, it would not be waited for.
        const watched = async (): Promise<boolean> =>
          /^steadfleet_api_watchers\{resource="configmaps"\} [1-9]/m.test(await w.kubectl("get --raw /metrics"));
        await until(watched, { what: "kubectl to watch" });
        await w.kubectl("delete cm owned");
        await w.says("condition met");
      },
    },
    {
      run: "get cm --watch --output-watch-events",
      shows: "configmaps",
      verb: "get --watch",
      meanwhile: async (w) => {
        await w.says("settings");
        await w.kubectl("create cm later --from-literal=a=1");
        await w.says(/ADDED\s+later/);
        await w.kubectl("delete cm later");
        await w.says(/DELETED\s+later/);
      },
    },
    { run: "delete cm made --dry-run=server", out: ["deleted (server dry run)"] },
    { run: "delete cm made", shows: "configmaps", out: ['configmap "made" deleted'] },
    { run: "delete cm made --ignore-not-found" },
    { run: "delete cm made", code: 1, err: ['configmaps "made" not found'] },
    { run: "delete cm -l app=demo", out: ["deleted"] },
    { run: "delete cm --all", out: [] },
  ],
};

export const secrets: Story = {
  name: "secrets, service accounts and leases",
  files: {
    "lease.yaml": `apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: leader}
spec: {holderIdentity: me, leaseDurationSeconds: 15, renewTime: "2026-01-02T03:04:05.000006Z"}
`,
    "quiet.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: quiet}\nstringData: {pin: '1234'}\n",
  },
  steps: [
    { run: "create secret generic password --from-literal=value=s3cret", shows: "secrets", out: ["secret/password created"] },
    { run: "create secret docker-registry pull --docker-server=r.example --docker-username=u --docker-password=p", out: ["created"] },
    { run: "get secrets", shows: "secrets", out: [/^password\s+Opaque\s+1/m, /kubernetes\.io\/dockerconfigjson/] },
    { run: "get secret password -o jsonpath={.data.value}", out: ["czNjcmV0"] },
    { run: "describe secret password", shows: "secrets", out: ["6 bytes"], without: ["s3cret", "czNjcmV0"] },
    { run: "apply -f quiet.yaml", shows: "secrets", out: ["created"] },
    { run: "get secret quiet -o jsonpath={.data.pin}", out: ["MTIzNA=="] },
    {
      run: "apply --server-side --force-conflicts -f quiet.yaml",
      shows: "secrets",
      verb: "apply --server-side",
      out: ["serverside-applied"],
    },
    { run: "delete secret password pull quiet", shows: "secrets", out: ["deleted"] },
    { run: "create serviceaccount robot", shows: "serviceaccounts", out: ["serviceaccount/robot created"] },
    { run: "get sa robot", shows: "serviceaccounts", out: ["robot"] },
    {
      run: "create token robot",
      code: 1,
      only: "new",
      shows: "serviceaccounts",
      verb: "create token",
      refused: "tokens are made with `steady token create`",
    },
    { run: "delete sa robot", shows: "serviceaccounts" },
    { run: "apply -f lease.yaml", shows: "leases", out: ["created"] },
    { run: "get leases", shows: "leases", out: [/leader\s+me/] },
    { run: "describe lease leader", shows: "leases", out: ["Holder Identity"] },
    { run: "delete lease leader", shows: "leases" },
  ],
};

export const namespaces: Story = {
  name: "namespaces",
  files: {
    "things.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $ns-gone}
---
apiVersion: steadfleet.dev/v1
kind: Stack
metadata: {name: web, namespace: $ns-gone}
spec: {services: {web: {image: "steadfleet.local/web:1"}}}
`,
  },
  steps: [
    { run: "create namespace $ns-gone", shows: "namespaces", out: ["namespace/$ns-gone created"] },
    { run: "get ns", shows: "namespaces", out: [/^default\s+Active/m, "$ns-gone"] },
    { run: "describe ns $ns-gone", shows: "namespaces", out: [/Status:\s+Active/] },
    { run: "label ns $ns-gone team=a", shows: "namespaces" },
    { run: "apply -f things.yaml", out: ["configmap/a created", "stack.steadfleet.dev/web created"] },
    { run: "wait -n $ns-gone --for=condition=Ready stack/web --timeout=60s", out: ["condition met"] },
    { run: "delete ns default", shows: "namespaces", code: 1, err: ["may not be deleted"], refused: "deleting `default`" },
    { run: "delete ns $ns-gone --timeout=60s", shows: "namespaces", out: ["deleted"], note: "removes everything in it, then goes" },
    { run: "get pods -n $ns-gone", err: [/No resources found/] },
    { run: "create cm x -n $ns-gone --from-literal=a=1", code: 1, err: ["not found"] },
  ],
};

export const auth: Story = {
  name: "who may do what",
  steps: [
    { run: "auth can-i create stacks", shows: "-", out: ["yes"] },
    { run: "auth can-i '*' '*'", out: ["yes"] },
    { run: "auth can-i get pods --subresource=log", out: ["yes"] },
    { run: "auth can-i --list", shows: "-", out: [/^stacks\.steadfleet\.dev\s.*create/m, "pods/log"] },
    { run: "auth whoami", shows: "-", only: "new", out: ["tests", "system:masters"] },
  ],
};
