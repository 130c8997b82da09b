/** A Unix socket in front of libvirtd's, which sees the calls that go by and may hold some back. */
import * as net from "node:net";

export interface RpcCall {
  /** Number of the procedure (remote_protocol.x). */
  proc: number;
  /** Its arguments, as XDR. */
  body: Buffer;
}

const REMOTE_PROGRAM = 0x20008086;
/** Length, program, version, procedure, type, serial, status (virnetprotocol.x). */
const HEADER = 28;

/** @param passes false: the call never arrives, and its connection hangs. */
export function watchRpc(listenAt: string, target: string, passes: (call: RpcCall) => boolean | "cut") {
  const open = new Set<net.Socket>();
  const server = net.createServer((near) => {
    const far = net.connect(target);
    let unread = Buffer.alloc(0);
    near.on("data", (chunk) => {
      unread = Buffer.concat([unread, chunk]);
      while (unread.length >= 4 && unread.length >= unread.readUInt32BE(0)) {
        const message = unread.subarray(0, unread.readUInt32BE(0));
        unread = unread.subarray(message.length);
        const isCall = message.readUInt32BE(4) === REMOTE_PROGRAM && message.readUInt32BE(16) === 0;
        const how = !isCall || passes({ proc: message.readUInt32BE(12), body: message.subarray(HEADER) });
        if (how === "cut") near.destroy();
        else if (how) far.write(message);
      }
    });
    far.on("data", (chunk) => near.write(chunk));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
      one.on("error", () => undefined);
    }
  });
  return new Promise<{ close(): Promise<void> }>((resolve, reject) => {
    server.on("error", reject);
    server.listen(listenAt, () =>
      resolve({
        close: () =>
          new Promise((closed) => {
            for (const socket of open) socket.destroy();
            server.close(() => closed());
          }),
      }),
    );
  });
}
