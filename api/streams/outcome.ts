// How a command ended, as a client of the Kubernetes API is told.
// Source: kubectl, which takes its own exit code from the cause ExitCode; remotecommand protocol v4.
import { OUTCOME_TRAILER, type TunnelOutcome } from "../../schemas/tunnel.ts";

export interface CommandStatus {
  metadata: Record<string, never>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: { causes: { reason?: string; message: string }[] };
  code?: number;
}

export const failed = (message: string): CommandStatus => ({
  metadata: {},
  status: "Failure",
  message,
  reason: "InternalError",
  details: { causes: [{ message }] },
  code: 500,
});

export const statusOf = (kind: "exec" | "attach", o: TunnelOutcome): CommandStatus => {
  if (o.error !== undefined) return failed(o.error);
  // To be attached to a container ends when its output ends, whatever becomes of the container.
  const exitCode = o.exitCode ?? (kind === "attach" ? 0 : undefined);
  if (exitCode === undefined) return failed("the node did not say how the command ended");
  if (exitCode === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
};

/** From the trailers of the node's answer. */
export const outcomeOf = (trailers: Readonly<Record<string, string>>): TunnelOutcome => {
  try {
    const o = JSON.parse(trailers[OUTCOME_TRAILER] ?? "{}") as Partial<TunnelOutcome>;
    return {
      ...(Number.isInteger(o.exitCode) ? { exitCode: o.exitCode as number } : {}),
      ...(typeof o.error === "string" ? { error: o.error } : {}),
    };
  } catch {
    return { error: "the node told in no known words how the command ended" };
  }
};
