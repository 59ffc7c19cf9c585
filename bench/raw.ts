import type { EngineClient } from "./engine.ts";
import { COMMAND, type Peer } from "./peer.ts";

/** The Engine API with `concurrency` requests in flight, and not one call more than the work needs. */
export class Raw implements Peer {
  readonly name = "raw";
  private project = "";
  private ids: string[] = [];
  private size = 0;
  constructor(
    readonly engine: EngineClient,
    private readonly image: string,
    private readonly concurrency: number,
  ) {}

  owns(labels: Record<string, string>): boolean {
    return labels["bench.project"] === this.project;
  }

  private async each<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
    const queue = [...items];
    const lane = async (): Promise<void> => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    };
    await Promise.all(Array.from({ length: this.concurrency }, lane));
  }

  private async run(index: number): Promise<void> {
    const { Id } = await this.engine.call<{ Id: string }>("POST", `/containers/create?name=${this.project}-${index}`, {
      Image: this.image,
      Cmd: COMMAND,
      StopSignal: "SIGKILL",
      Labels: { "bench.project": this.project },
      HostConfig: { NetworkMode: `${this.project}_default`, RestartPolicy: { Name: "unless-stopped" } },
    });
    this.ids[index] = Id;
    await this.engine.call("POST", `/containers/${Id}/start`);
  }

  async submit(project: string, size: number): Promise<void> {
    this.project = project;
    this.size = size;
    this.ids = [];
    await this.engine.call("POST", "/networks/create", { Name: `${project}_default`, Driver: "bridge", CheckDuplicate: true });
    await this.each(
      Array.from({ length: size }, (_, i) => i),
      (i) => this.run(i),
    );
  }

  async noop(): Promise<void> {
    const rows = await this.engine.list([`bench.project=${this.project}`]);
    if (rows.length !== this.size) throw new Error(`raw: ${rows.length} of ${this.size} containers`);
  }

  async heal(kind: "rm" | "kill", id: string): Promise<void> {
    if (kind === "kill") await this.engine.call("POST", `/containers/${id}/start`);
    else await this.run(this.ids.indexOf(id));
  }

  async remove(): Promise<void> {
    await this.each(this.ids, (id) => this.engine.call("DELETE", `/containers/${id}?force=true`));
    await this.engine.call("DELETE", `/networks/${this.project}_default`);
  }

  async close(): Promise<void> {}
}
