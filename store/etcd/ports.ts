// TCP ports of the loopback.
import { connect, createServer } from "node:net";

/** One that nobody listened on a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });

export const portAnswers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: 1_000 });
    const done = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.once("timeout", () => done(true));
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
  });
