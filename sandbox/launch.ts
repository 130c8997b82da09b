/** Starts the process that is a sandbox: init.sh in namespaces of its own, and a keeper that clears up after it. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import * as path from "node:path";
import { capabilitiesDir } from "./cache.js";
import { environment, identify } from "./process.js";
import { type State, writeState } from "./registry.js";

const INIT = path.join(__dirname, "../../sandbox/init.sh");

export interface LaunchOptions {
  /** libvirt 10.4 and newer know more than iptables. */
  firewallBackend?: "iptables" | "nftables";
  /** The veth pair up0 to a namespace "outside", and the default route through it; true by default. */
  uplink?: boolean;
  /** Lives on when its starter ends, until `stop`. By default a sandbox never outlives its starter. */
  detached?: boolean;
}

/** Their stdin must stay open: see init.sh. */
const held = new Set<ChildProcess>();

/** Runs init.sh and follows it until it is ready. */
export async function launch(state: State, dir: string, log: number, options: LaunchOptions): Promise<ChildProcess> {
  // The keeper waits for the end and removes the directory, whatever happens to this process.
  const keeper = `dir=$1; shift
    unshare --net --mount --pid --ipc --uts --fork --kill-child -- "$@"
    if grep -q '"id":"${state.id}"' "$dir/state.json"; then rm -rf "$dir"; fi`;
  const { name, root, hostUuid } = state;
  const { firewallBackend = "", uplink = true } = options;
  const settings = [name, root, hostUuid, firewallBackend, uplink ? "1" : "0", capabilitiesDir(root)];
  const child = spawn("/bin/sh", ["-c", keeper, "virtnet-sandbox", dir, "/bin/sh", INIT, ...settings], {
    cwd: "/",
    detached: true,
    env: environment(),
    stdio: ["pipe", "pipe", log],
  });
  const stdin = child.stdin as Socket;
  const stdout = child.stdout as Socket;
  stdin.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    let text = "";
    let seen = 0;
    const timer = setTimeout(() => reject(new Error("no answer within 30 s")), 30_000);
    const settle = (action: () => void) => {
      clearTimeout(timer);
      action();
    };
    child.once("error", (error) => settle(() => reject(error)));
    child.once("close", (code) => settle(() => reject(new Error(`its init ended with code ${code}`))));
    child.once("spawn", () => {
      state.keeper = identify(child.pid ?? 0);
      writeState(dir, state);
    });
    stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split("\n").slice(0, -1);
      for (const line of lines.slice(seen)) {
        if (line.startsWith("PID ")) {
          state.init = identify(Number(line.slice(4)));
          writeState(dir, state);
        } else if (line === "READY") {
          settle(resolve);
        }
      }
      seen = lines.length;
    });
  });
  state.ready = true;
  writeState(dir, state);
  // Detached: told to keep, it needs us no more. Else stdin stays open as long as this process lives, and no longer.
  if (options.detached === true) {
    await new Promise<void>((resolve) => stdin.end("keep\n", () => resolve()));
  } else {
    stdin.write("hold\n");
    held.add(child);
  }
  stdout.removeAllListeners("data");
  stdout.destroy();
  child.removeAllListeners("close");
  child.unref();
  stdin.unref();
  return child;
}

/** It may end now. */
export function letGo(child: ChildProcess | undefined): void {
  if (child !== undefined) held.delete(child);
  child?.stdin?.destroy();
}
