// Plays a story with one client: each step in turn, each expectation checked, with everything that was printed on failure.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endChild, runAny } from "../harness/run.ts";
import { until } from "../harness/until.ts";
import type { Kubectl } from "../kubectl.ts";
import { type Running, split, type Step, type Story } from "./story.ts";

interface Seen {
  code: number;
  stdout: string;
  stderr: string;
}

const found = (text: string, what: string | RegExp): boolean => (typeof what === "string" ? text.includes(what) : what.test(text));

/** What is not as the step says; undefined when all is well. */
function complaint(step: Step, seen: Seen): string | undefined {
  if (seen.code !== (step.code ?? 0)) return `exit code ${seen.code} instead of ${step.code ?? 0}`;
  for (const what of step.out ?? []) if (!found(seen.stdout, what)) return `does not print ${String(what)}`;
  for (const what of step.err ?? []) if (!found(seen.stderr, what)) return `does not print ${String(what)} on standard error`;
  for (const what of step.without ?? []) if (found(seen.stdout, what)) return `prints ${String(what)}`;
  for (const [name, what] of Object.entries(step.keep ?? {}))
    if (!what.test(seen.stdout)) return `prints nothing for $${name}: ${String(what)}`;
  return undefined;
}

/** Steps build on each other, and each that fails may wait for a minute. */
const MAX_FAILURES = 5;

const show = (line: string, seen: Seen): string => `$ kubectl ${line}\n${seen.stdout}${seen.stderr}(exit ${seen.code})`;

export class Player {
  private readonly kept = new Map<string, string>();
  private failures = 0;
  readonly directory: string;

  constructor(
    private readonly kubectl: Kubectl,
    story: Story,
  ) {
    this.directory = join(kubectl.home, story.name.replaceAll(/\W+/g, "-"));
    mkdirSync(this.directory);
    for (const [name, text] of Object.entries(story.files ?? {})) writeFileSync(join(this.directory, name), this.fill(text));
  }

  fill(text: string): string {
    return text.replaceAll(/\$([a-z]\w*)/g, (whole, name: string) =>
      name === "ns" ? this.kubectl.namespace : (this.kept.get(name) ?? whole),
    );
  }

  /** @throws Error that shows the command and what it printed; at once, when too much of the story went wrong before */
  async play(step: Step): Promise<void> {
    if (this.failures >= MAX_FAILURES) throw new Error(`not tried: ${this.failures} steps before it failed`);
    this.failures++;
    await this.act(step);
    this.failures--;
  }

  private async act(step: Step): Promise<void> {
    const line = this.fill(step.run);
    if (step.meanwhile) return this.along(step, line, step.meanwhile);
    const once = (): Promise<Seen> =>
      runAny(this.kubectl.program.path, split(line), {
        cwd: this.directory,
        env: { ...this.kubectl.env, ...step.env },
        timeoutMs: 90_000,
        ...(step.stdin === undefined ? {} : { input: this.fill(step.stdin) }),
      });
    const filled = { ...step, out: this.expected(step.out), err: this.expected(step.err), without: this.expected(step.without) };
    let seen = await once();
    const end = performance.now() + 30_000;
    while (step.until && complaint(filled, seen) && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      seen = await once();
    }
    const wrong = complaint(filled, seen);
    if (wrong) throw new Error(`${wrong}\n${show(line, seen)}`);
    for (const [name, what] of Object.entries(step.keep ?? {})) this.kept.set(name, what.exec(seen.stdout)?.[1] ?? "");
  }

  private expected(list: Step["out"] = []): (string | RegExp)[] {
    return list.map((what) => (typeof what === "string" ? this.fill(what) : what));
  }

  private async along(step: Step, line: string, meanwhile: NonNullable<Step["meanwhile"]>): Promise<void> {
    const child: ChildProcess = spawn(this.kubectl.program.path, split(line), {
      cwd: this.directory,
      env: { ...process.env, ...this.kubectl.env, ...step.env },
      stdio: "pipe",
    });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => (printed += text));
    child.stdin?.on("error", () => {});
    const running: Running = {
      text: () => printed,
      says: async (what) => {
        await until(() => found(printed, what), { what: `kubectl ${line} to print ${String(what)}`, show: () => printed });
      },
      kubectl: async (run) => await this.kubectl.ok(...split(this.fill(run))),
      type: (text) => void child.stdin?.write(text),
      fill: (text) => this.fill(text),
    };
    try {
      await meanwhile(running);
    } catch (cause) {
      throw new Error(`${String(cause)}\n$ kubectl ${line}\n${printed}`, { cause });
    } finally {
      await endChild(child);
    }
  }
}
