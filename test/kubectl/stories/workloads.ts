import type { Story } from "../story.ts";

const V1 = "steadfleet.local/web:1";
const V2 = "steadfleet.local/web:2";
const shop = `apiVersion: steadfleet.dev/v1
kind: Stack
metadata: {name: shop}
spec:
  services:
    web:
      image: ${V1}
      stop_grace_period: 2s
      deploy: {replicas: 2}
      command: ["sh", "-c", "echo started; trap 'exit 0' TERM; httpd -p 80 -h /www; while true; do echo tick; sleep 1; done"]
`;

export const pods: Story = {
  name: "pods",
  files: {
    "shop.yaml": shop,
    "note.txt": "from outside\n",
    "pod.yaml": `apiVersion: v1\nkind: Pod\nmetadata: {name: bare}\nspec: {containers: [{name: x, image: ${V1}}]}\n`,
  },
  steps: [
    { run: "apply -f shop.yaml", out: ["created"] },
    { run: "wait --for=condition=Ready stack/shop --timeout=90s" },
    {
      run: "get pods",
      shows: "pods",
      out: [/^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE/, /^shop-web-0-\w+\s+1\/1\s+Running/m],
      keep: { pod: /^(shop-web-0-\w+)/m, other: /^(shop-web-1-\w+)/m },
    },
    { run: "get pods -o wide -l steadfleet.dev/service=web --field-selector status.phase=Running", out: ["NODE"] },
    { run: "describe pod $pod", shows: "pods", out: [/Controlled By:\s+Stack\/shop/, /Node:/, "Started"] },
    { run: "logs $pod", shows: "pods", until: true, out: ["started", "tick"] },
    { run: "logs $pod --tail=1", out: [/^tick\n$/] },
    { run: "logs $pod --since=1h --timestamps", out: [/^20\d\d-\d\d-\d\dT\S+Z started/] },
    { run: "logs $pod --limit-bytes=5", out: [/^.{5}$/s] },
    { run: "logs -l steadfleet.dev/stack=shop --prefix --tail=2", out: ["pod/$pod", "pod/$other"] },
    { run: "logs $pod -c nope", code: 1, err: [/container nope is not valid|nope/] },
    {
      run: "logs $pod --previous",
      code: 1,
      err: [/previous terminated container/],
      shows: "pods",
      verb: "logs --previous",
      refused: "when the container has not been restarted",
    },
    {
      run: "logs -f $pod --tail=1",
      shows: "pods",
      verb: "logs -f",
      meanwhile: async (w) => {
        await w.says(/tick\n.*tick/s);
      },
    },
    { run: "exec $pod -- cat /www/index.html", shows: "pods", out: ["Hello from version 1"] },
    { run: "exec $pod -- sh -c 'echo out; echo err >&2; exit 42'", code: 42, out: ["out"], err: ["err"] },
    { run: "exec -i $pod -- sh -c 'cat; echo done'", stdin: "through\n", shows: "pods", verb: "exec -i", out: ["through\ndone"] },
    { run: "exec $pod -- nothing-here", code: 126, only: "new", out: [/not found|no such file/i] },
    { run: "exec missing -- true", code: 1, err: ['pods "missing" not found'] },
    { run: "cp note.txt $pod:/tmp/note.txt", shows: "pods", note: "the image needs `tar`, as everywhere" },
    { run: "exec $pod -- cat /tmp/note.txt", out: ["from outside"] },
    { run: "cp $pod:/www/index.html copy.html" },
    {
      run: "attach $pod",
      shows: "pods",
      meanwhile: async (w) => {
        await w.says("tick");
      },
    },
    {
      run: "port-forward $pod :80",
      shows: "pods",
      meanwhile: async (w) => {
        await w.says(/Forwarding from 127\.0\.0\.1:\d+/);
        const port = /127\.0\.0\.1:(\d+)/.exec(w.text())?.[1] ?? "";
        const pages = await Promise.all([1, 2, 3].map(async () => (await fetch(`http://127.0.0.1:${port}/`)).text()));
        for (const page of pages) if (!page.includes("Hello from version 1")) throw new Error(`unexpected page: ${page}`);
      },
    },
    { run: "top pod", shows: "pods", until: true, out: [/^NAME\s+CPU\(cores\)\s+MEMORY\(bytes\)/, /^shop-web-0-\w+\s+\d+m\s+\d+Mi/m] },
    { run: "top pod $pod --containers", out: ["web"] },
    {
      run: "run bare --image=steadfleet.local/web:1",
      code: 1,
      err: ["Stack"],
      shows: "pods",
      refused: "a container belongs to a Stack: apply one",
    },
    { run: "create -f pod.yaml", code: 1, err: ["Stack"], shows: "pods", refused: "a container belongs to a Stack: apply one" },
    {
      run: "debug $pod --image=busybox",
      code: 1,
      only: "new",
      shows: "pods",
      refused: "a Docker container takes no ephemeral container: use `kubectl exec`",
    },
    { run: "label pod $pod a=b", code: 1, shows: "pods", refused: "labels of a pod are its service's" },
    { run: "delete pod $pod --timeout=60s", shows: "pods", out: ["deleted"], note: "the controller makes a new one" },
    { run: "get pods -o name", until: true, out: [/shop-web-0-\w+/, /shop-web-1-\w+/], without: ["$pod"] },
    { run: "get events", shows: "events", out: ["Started"] },
    { run: "get events --field-selector involvedObject.kind=Pod,reason=Started -o name", out: ["event/"] },
    { run: "get events.events.k8s.io", shows: "events.events.k8s.io", out: ["Started"] },
    { run: "events --for stack/shop", only: "new", shows: "events", out: ["REASON"] },
    { run: "delete stack shop --timeout=90s" },
  ],
};

export const deployments: Story = {
  name: "deployments, which are views of services",
  files: { "shop.yaml": shop },
  steps: [
    { run: "apply -f shop.yaml", out: ["created"] },
    { run: "rollout status deploy/shop-web --timeout=90s", shows: "deployments", out: ["successfully rolled out"] },
    { run: "get deploy", shows: "deployments", out: [/^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE/, /^shop-web\s+2\/2\s+2\s+2/m] },
    { run: "get deploy,rs -o wide", shows: "replicasets", out: ["deployment.apps/shop-web", "replicaset.apps/shop-web-1", V1] },
    { run: "describe deploy shop-web", shows: "deployments", out: [/Replicas:\s+2 desired/] },
    { run: "wait --for=condition=Available deploy/shop-web --timeout=30s", shows: "deployments", out: ["condition met"] },
    { run: "logs deploy/shop-web --tail=1", shows: "deployments", until: true, out: ["tick"] },
    { run: "exec deploy/shop-web -- hostname", shows: "deployments", out: [/\w/] },
    {
      run: "port-forward deploy/shop-web :80",
      shows: "deployments",
      meanwhile: async (w) => {
        await w.says(/Forwarding from 127\.0\.0\.1:\d+/);
      },
    },
    { run: "scale deploy/shop-web --replicas=3", shows: "deployments", out: ["scaled"] },
    { run: "get stack shop -o jsonpath={.spec.services.web.deploy.replicas}", out: ["3"] },
    { run: "rollout status deploy/shop-web --timeout=90s", out: ["successfully rolled out"] },
    { run: "set image deploy/shop-web web=steadfleet.local/web:2", shows: "deployments", out: ["image updated"] },
    { run: "rollout status deploy/shop-web --timeout=90s", out: ["successfully rolled out"] },
    { run: "get stack shop -o jsonpath={.spec.services.web.image}", out: [V2] },
    // Numbers are the Stack's: scaling was its second revision, and brought no template.
    { run: "rollout history deploy/shop-web", shows: "deployments", out: [/^1\s/m, /^3\s/m], without: [/^2\s/m] },
    { run: "rollout history deploy/shop-web --revision=1", out: [V1] },
    { run: "rollout undo deploy/shop-web", shows: "deployments", out: ["rolled back"] },
    { run: "rollout status deploy/shop-web --timeout=90s", out: ["successfully rolled out"] },
    { run: "get stack shop -o jsonpath={.spec.services.web.image}", out: [V1] },
    { run: "rollout pause deploy/shop-web", shows: "deployments", out: ["paused"] },
    { run: "set image deploy/shop-web web=steadfleet.local/web:2", out: ["image updated"] },
    { run: "get stack shop -o jsonpath={.spec.services.web.x-steadfleet.paused}", out: ["true"] },
    { run: "rollout resume deploy/shop-web", shows: "deployments", out: ["resumed"] },
    { run: "rollout status deploy/shop-web --timeout=90s", out: ["successfully rolled out"] },
    { run: "get pods -o jsonpath={.items[*].spec.containers[0].image}", out: [V2], without: [V1] },
    { run: "rollout restart deploy/shop-web", shows: "deployments", out: ["restarted"] },
    { run: "rollout status deploy/shop-web --timeout=90s", out: ["successfully rolled out"] },
    { run: "set env deploy/shop-web A=b", shows: "deployments", verb: "set env", out: ["env updated"] },
    { run: "get stack shop -o jsonpath={.spec.services.web.environment}", out: ['["A=b"]'] },
    { run: "annotate deploy/shop-web kubernetes.io/change-cause=because", shows: "deployments", out: ["annotated"] },
    { run: "rollout history deploy/shop-web", until: true, out: [/because$/m] },
    { run: "set resources deploy/shop-web --limits=memory=64Mi", shows: "deployments", verb: "set resources", out: ["updated"] },
    { run: "get stack shop -o jsonpath={.spec.services.web.deploy.resources.limits.memory}", out: ["64m"] },
    { run: "rollout status deploy/shop-web --timeout=90s", out: ["successfully rolled out"] },
    {
      run: "label deploy/shop-web tier=front",
      code: 1,
      err: ["kubectl label or annotate stack shop"],
      shows: "deployments",
      refused: "a Deployment has the labels of its Stack: label that",
    },
    {
      run: "delete rs shop-web-1",
      code: 1,
      err: ["rollout undo"],
      shows: "replicasets",
      refused: "a ReplicaSet is a view of a revision",
    },
    { run: "delete deploy shop-web", code: 1, err: ["Stack"], shows: "deployments", refused: "a Deployment is a view: edit the Stack" },
    {
      run: "create deployment x --image=y",
      code: 1,
      err: ["Stack"],
      shows: "deployments",
      refused: "a Deployment is a view: apply a Stack",
    },
    {
      run: "expose deploy shop-web --port=80",
      code: 1,
      shows: "deployments",
      refused: "there are no Services: publish ports in the Stack",
    },
    { run: "autoscale deploy shop-web --max=3", code: 1, shows: "deployments", refused: "there are no autoscalers" },
    { run: "delete stack shop --timeout=90s" },
  ],
};
