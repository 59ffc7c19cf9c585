// What the API asks of a node through its tunnel. The agent dials out: one WebSocket to the API, and HTTP/2 over it, of which
// the agent is the server and the API the client. Every request is one HTTP/2 stream with its own flow control; resetting it
// frees everything it holds on the node. Errors before a stream is open are an HTTP status with a TunnelError as JSON.

/** GET with Upgrade: websocket and the node's bearer token. Query: `session`, the nonce of the agent's session in etcd. */
export const tunnelPath = (node: string): string => `/tunnel/v1/nodes/${node}`;

/** Seconds. Source: issue of this capability; as kubelet and Swarm do it. */
export const TUNNEL = { pingSeconds: 30, deadSeconds: 60, reconnectFirstMs: 1_000, reconnectMaxMs: 120_000 } as const;

/**
 * Paths of the agent's server.
 *
 * `log` GET → the log as text. Query: `follow`, `timestamps`, `previous` (flags "1"), `tail`, `sinceTime` (RFC 3339), `limitBytes`.
 * `exec` POST, query `session`, `command` (repeated), `stdin`, `stdout`, `stderr`, `tty` (flags); `attach` POST, likewise without
 *   command. The request's body is stdin, the answer's body stdout; stderr is the body of a second stream, GET `stderr(session)`,
 *   that may be opened first or after, within 10 s; what is written to stderr before it is opened holds up stdout, too. With a
 *   terminal there is no stderr. The outcome comes at the end of stdout: the end of stderr may come later. The terminal's size is set by PUT `size(session)?width=&height=`, any time while it runs.
 *   The outcome is the trailer `outcome` of the exec stream: a TunnelOutcome as JSON.
 * `portforward` POST, query `port`: the request's body goes to the container's port, the answer's body is what comes back. Both
 *   sides may end first.
 * `stats` GET → NodeStats as JSON.
 * `compose` GET, query `project` → ComposeProject[] as JSON; POST, the body (sent when the answer has begun) what they shall be →
 *   ComposeDifference[], or a TunnelError, with status 200.
 * All pod paths take `uid`, the DesiredPod's uid: another pod of the same name is 404.
 */
export const TUNNEL_PATHS = {
  log: (namespace: string, pod: string): string => `/v1/pods/${namespace}/${pod}/log`,
  exec: (namespace: string, pod: string): string => `/v1/pods/${namespace}/${pod}/exec`,
  attach: (namespace: string, pod: string): string => `/v1/pods/${namespace}/${pod}/attach`,
  portforward: (namespace: string, pod: string): string => `/v1/pods/${namespace}/${pod}/portforward`,
  stderr: (session: string): string => `/v1/sessions/${session}/stderr`,
  size: (session: string): string => `/v1/sessions/${session}/size`,
  stats: "/v1/stats",
  compose: "/v1/compose",
} as const;

/** Body of an answer that is not 2xx. `reason` as of a Kubernetes Status: NotFound, BadRequest, Conflict, InternalError, … */
export interface TunnelError {
  reason: string;
  /** In words for people: what, why, what to do. */
  message: string;
}

/**
 * How an exec or attach ended. `exitCode`: of the process; of an attach 0, as in Kubernetes, however the container ended. `error`: it
 * was cut off; then there is no exit code.
 */
export interface TunnelOutcome {
  exitCode?: number;
  error?: string;
}
export const OUTCOME_TRAILER = "outcome";

/** What the containers of this node use. CPU in cores over `windowMs`, memory in bytes without page cache that can be dropped. */
export interface NodeStats {
  at: string;
  windowMs: number;
  node: { cpuCores: number; memoryBytes: number };
  /** Ours that run; each with its own window, which is shorter where it has just started. */
  pods: { namespace: string; pod: string; uid: string; cpuCores: number; memoryBytes: number; windowMs: number }[];
}

/** A project of docker compose on a node, of containers that are not ours. */
export interface ComposeProject {
  name: string;
  /** Its Compose files, as docker compose noted them; "" where it did not. */
  file: string;
  /** `compose`: the service as its first container is; only where one project was asked for. */
  services: {
    name: string;
    containers: { id: string; name: string; number: number; state: string }[];
    compose?: Record<string, unknown>;
  }[];
}

/** What of a container differs from what it would be as ours, as paths of its drift; `/container`: there is none. */
export interface ComposeDifference {
  service: string;
  number: number;
  keys: string[];
}
