/** New flows, one after the other, from a namespace to a machine elsewhere: a firewall judges each anew. */
import { spawn } from "node:child_process";
import type { Sandbox } from "./index.js";

export interface Flows {
  /** @returns how many flows were begun, and how many were not answered within a second. */
  stop(): Promise<{ sent: number; lost: number }>;
}

const ECHO = `
const [address, type, port] = process.argv.slice(1);
const socket = require("dgram").createSocket(type);
socket.on("message", (m, from) => socket.send(m, from.port, from.address));
socket.bind(Number(port), address, () => console.log("READY"));
process.stdin.on("end", () => process.exit()).resume();
`;
// A socket of its own is a flow of its own.
const SEND = `
const [address, type, port, everyMs] = process.argv.slice(1);
let sent = 0, answered = 0;
const timer = setInterval(() => {
  const socket = require("dgram").createSocket(type);
  sent++;
  socket.on("message", () => answered++).on("error", () => {});
  socket.send("ping", Number(port), address, () => {});
  setTimeout(() => socket.close(), 1000);
}, Number(everyMs));
process.stdin.on("end", () => {
  clearInterval(timer);
  setTimeout(() => { console.log(JSON.stringify({ sent, lost: sent - answered })); process.exit(); }, 1100);
}).resume();
`;

let nextPort = 30_000;

/** Begins a flow of UDP each `everyMs` from a guest's namespace to an address of the namespace "outside". */
export async function startFlows(sandbox: Sandbox, from: string, address: string, everyMs = 4): Promise<Flows> {
  const settings = [address, address.includes(":") ? "udp6" : "udp4", String(nextPort++), String(everyMs)];
  const node = (namespace: string, script: string) => {
    const child = spawn(
      "nsenter",
      [`--net=${sandbox.path(`/run/netns/${namespace}`)}`, process.execPath, "-e", script, ...settings],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const said = new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding("utf8").once("data", resolve);
      child.once("error", reject);
      child.once("close", () => reject(new Error(`what sends or answers in "${namespace}" has ended`)));
    });
    return { child, said };
  };
  const echo = node("outside", ECHO);
  await echo.said;
  const sender = node(from, SEND);
  return {
    async stop() {
      sender.child.stdin.end();
      const counts = JSON.parse(await sender.said) as { sent: number; lost: number };
      echo.child.stdin.end();
      return counts;
    },
  };
}
