// A session is one exec or attach with what belongs to it: the stream that takes its stderr, and the size of its terminal. Its
// parts are requests of their own and may come in any order.
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Env } from "../../store/env.ts";
import { badRequest, conflict, notFound } from "./refusal.ts";

/** So long the parts of a session may come one after the other. */
const APART_MS = 10_000;

export class Session {
  /** Set while it runs: makes the terminal as large as `size` says. */
  resize: (() => Promise<void>) | undefined;
  size: [width: number, height: number] | undefined;
  begun = false;
  over = false;
  private stderr: ServerHttp2Stream | undefined;
  private waiting: (() => void)[] = [];

  constructor(private readonly env: Env) {}

  get hasStderr(): boolean {
    return this.stderr !== undefined;
  }
  take(stderr: ServerHttp2Stream): void {
    this.stderr = stderr;
    if (this.over) stderr.end();
    for (const go of this.waiting.splice(0)) go();
  }
  /** Where stderr goes; waits for it, and what writes to it waits with it. @throws Error when nobody asks for it */
  async stderrStream(): Promise<ServerHttp2Stream> {
    if (!this.stderr) {
      await new Promise<void>((resolve, reject) => {
        const late = new Error(`nobody has asked for stderr within ${APART_MS / 1000} s`);
        const cancel = this.env.timer(APART_MS, () => reject(late));
        this.waiting.push(() => {
          cancel();
          resolve();
        });
      });
    }
    return this.stderr!;
  }
  /** Nothing more will come. */
  end(): void {
    this.over = true;
    if (this.stderr && !this.stderr.destroyed) this.stderr.end();
  }
}

export class Sessions {
  private readonly sessions = new Map<string, Session>();

  constructor(private readonly env: Env) {}

  /** The session's own request has come. @throws Refusal 400, 409 */
  begin(id: string | null): Session {
    if (!id) throw badRequest("the query has no session: stderr and the size of the terminal go by it");
    if (this.sessions.get(id)?.over) this.sessions.delete(id);
    const session = this.get(id);
    if (session.begun) throw conflict(`session ${id} is there already`);
    session.begun = true;
    return session;
  }
  /** Of one that was over in an instant somebody may still ask for stderr, which is empty then. */
  over(id: string): void {
    const session = this.sessions.get(id);
    session?.end();
    const forget = (): void => {
      if (this.sessions.get(id) === session) this.sessions.delete(id);
    };
    if (session?.hasStderr) forget();
    else this.env.timer(APART_MS, forget);
  }

  /** Answers at once: whoever asks first must not wait for the other. @throws Refusal 409 */
  stderr(id: string, stream: ServerHttp2Stream): void {
    const session = this.get(id);
    if (session.hasStderr) throw conflict(`stderr of session ${id} is taken already`);
    stream.respond({ ":status": 200, "content-type": "application/octet-stream" });
    session.take(stream);
    this.forgetUnlessBegun(id, session, () => stream.close(constants.NGHTTP2_CANCEL));
  }

  /** @throws Refusal 400, 404, or what the engine says */
  async resize(id: string, query: URLSearchParams): Promise<void> {
    const size = [query.get("width"), query.get("height")].map((text) => (/^\d{1,5}$/.test(text ?? "") ? Number(text) : 0));
    const [width = 0, height = 0] = size;
    if (width < 1 || height < 1 || width > 65_535 || height > 65_535) throw badRequest("width and height must be numbers from 1 to 65535");
    const session = this.get(id);
    if (session.over) throw notFound(`session ${id} is over`);
    session.size = [width, height];
    if (session.resize) await session.resize();
    else this.forgetUnlessBegun(id, session, () => {});
  }

  /** @throws Refusal 404 */
  private get(id: string): Session {
    if (!/^[A-Za-z0-9_-]{1,100}$/.test(id)) throw notFound("that is no name of a session");
    const known = this.sessions.get(id);
    if (known) return known;
    const session = new Session(this.env);
    this.sessions.set(id, session);
    return session;
  }
  private forgetUnlessBegun(id: string, session: Session, tell: () => void): void {
    if (session.begun) return;
    this.env.timer(APART_MS, () => {
      if (session.begun || this.sessions.get(id) !== session) return;
      this.sessions.delete(id);
      tell();
    });
  }
}
