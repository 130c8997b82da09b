import * as net from "node:net";
import type { ExecResult } from "./index.js";

/** The other end of guest-shell.sh's port. */
export class GuestShell {
  private readonly waiting = new Map<string, (result: ExecResult) => void>();
  private readonly name: string;
  private readonly file: string;
  private connection: Promise<net.Socket> | undefined;
  private count = 0;
  private text = "";

  constructor(name: string, file: string) {
    this.name = name;
    this.file = file;
  }

  async exec(command: string, timeoutMs = 30_000): Promise<ExecResult> {
    const socket = await this.connect();
    const id = String(++this.count);
    return new Promise((resolve, reject) => {
      // Some more than the guest itself takes, which is slow.
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(`The guest "${this.name}" did not answer within ${timeoutMs} ms: ${command}`));
      }, timeoutMs + 2000);
      this.waiting.set(id, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      socket.write(`${id} ${Math.ceil(timeoutMs / 1000)} ${Buffer.from(command).toString("base64")}\n`);
    });
  }

  close(): void {
    void this.connection?.then((socket) => socket.destroy());
  }

  private connect(): Promise<net.Socket> {
    this.connection ??= new Promise((resolve, reject) => {
      const socket = net.connect(this.file);
      socket.setEncoding("utf8");
      socket.once("connect", () => {
        socket.unref();
        resolve(socket);
      });
      socket.once("error", reject);
      socket.once("close", () => {
        this.connection = undefined;
      });
      socket.on("data", (chunk: string) => this.read(chunk));
    });
    return this.connection;
  }

  private read(chunk: string): void {
    this.text += chunk;
    const lines = this.text.split("\n");
    this.text = lines.pop() ?? "";
    for (const line of lines) {
      const [, id = "", code, stdout = "", stderr = ""] = /^(\d+) (\d+):([^:]*):(.*)$/.exec(line) ?? [];
      const decode = (text: string) => Buffer.from(text, "base64").toString();
      this.waiting.get(id)?.({ stdout: decode(stdout), stderr: decode(stderr), code: Number(code) });
      this.waiting.delete(id);
    }
  }
}
