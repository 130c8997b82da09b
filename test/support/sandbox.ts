import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";

/**
 * A sandbox for the tests of the enclosing `describe`: started before them, stopped after them.
 * What runs in it ends with it, and needs no `after` of its own (which would come too late).
 * Where none can run (no root), the tests are skipped with the reason.
 *
 * ```ts
 * describe("a network", () => {
 *   const host = withSandbox();
 *   it("starts", async () => {
 *     await host().exec(["virsh", "net-list"]);
 *   });
 * });
 * ```
 */
export function withSandbox(options: SandboxOptions = {}): () => Sandbox {
  let sandbox: Sandbox | undefined;
  before("starts a sandbox", async function () {
    if (process.getuid?.() !== 0) skip(this, "a sandbox needs root");
    sandbox = await startSandbox({ ...generation(), ...options });
  });
  after("stops the sandbox", async () => {
    await sandbox?.stop();
    sandbox = undefined;
  });
  return () => {
    if (sandbox === undefined) throw new Error("The sandbox is there in tests and hooks only.");
    return sandbox;
  };
}

/** What the matrix asks for: another generation of libvirtd, of a root filesystem made by scripts/matrix.mjs; and its firewall backend. */
export function generation(): SandboxOptions {
  const { VIRTNET_TEST_ROOT: root, VIRTNET_TEST_FIREWALL: firewall } = process.env;
  return {
    ...(root !== undefined ? { root } : {}),
    ...(firewall !== undefined ? { firewallBackend: firewall as NonNullable<SandboxOptions["firewallBackend"]> } : {}),
  };
}

/** The daemon's version as it tells it by itself, written as libvirt does: 12.8.0 is 12008000. */
export async function daemonVersion(sandbox: Sandbox): Promise<number> {
  const { stdout } = await sandbox.exec(["libvirtd", "--version"]);
  const [, major, minor, release] = /(\d+)\.(\d+)\.(\d+)/.exec(stdout) ?? [];
  return Number(major) * 1_000_000 + Number(minor) * 1000 + Number(release);
}

/** Runs virsh on the sandboxed host, with `input` as its /dev/stdin; an error when it fails. */
export async function virsh(sandbox: Sandbox, argv: string[], input?: string): Promise<string> {
  const { stdout, stderr, code } = await sandbox.exec(["virsh", "-q", ...argv], input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`virsh ${argv.join(" ")}: ${stderr.trim()}`);
  return stdout.trim();
}

/** Defines and starts a network. */
export async function startNetwork(sandbox: Sandbox, name: string, xml: string): Promise<void> {
  await virsh(sandbox, ["net-define", "/dev/stdin"], xml);
  await virsh(sandbox, ["net-start", name]);
}

/** Kill the daemon, and wait until another one answers. */
export async function restartDaemon(sandbox: Sandbox): Promise<void> {
  const run = async (...argv: string[]) => (await sandbox.exec(argv, { timeoutMs: 15_000 })).code;
  assert.equal(await run("pkill", "-KILL", "-x", "libvirtd"), 0);
  while ((await run("pgrep", "-x", "libvirtd")) === 0) await sleep(20);
  await run("rm", "-f", "/run/libvirtd.pid");
  assert.equal(await run("libvirtd", "-d"), 0);
  while ((await run("virsh", "net-list")) !== 0) await sleep(20);
}
