/** A Unix socket in front of another one, as if the host were far away: what is sent arrives later, but not less of it at once. */
import * as net from "node:net";

export interface Delay {
  /** Most pieces that were under way to the host at the same time: one for who waits for each answer. */
  atOnce(): number;
  close(): Promise<void>;
}

/** @param ms of a round trip; half of it each way. */
export function delay(listenAt: string, target: string, ms: number): Promise<Delay> {
  const open = new Set<net.Socket>();
  let underWay = 0;
  let most = 0;
  const server = net.createServer((near) => {
    const far = net.connect(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on("data", (chunk) => {
        if (from === near) most = Math.max(most, ++underWay);
        setTimeout(() => {
          if (from === near) underWay--;
          if (to.writable) to.write(chunk);
        }, ms / 2);
      });
      from.on("close", () => {
        open.delete(from);
        setTimeout(() => to.destroy(), ms / 2);
      });
      from.on("error", () => undefined);
    }
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(listenAt, () =>
      resolve({
        atOnce: () => most,
        close: () =>
          new Promise((closed) => {
            for (const socket of open) socket.destroy();
            server.close(() => closed());
          }),
      }),
    );
  });
}
