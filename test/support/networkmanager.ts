import * as path from "node:path";
import { run, type Sandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { repository } from "./repository.js";
import { withSandbox } from "./sandbox.js";

/** A sandbox with NetworkManager and NICs eth1 …; without NetworkManager on the machine the tests are skipped. */
export function withNetworkManager(nics: number, profiles: "by-default" | "by-hand" = "by-hand"): () => Sandbox {
  before("looks for NetworkManager", async function () {
    const why = await withoutNetworkManager();
    if (why !== undefined) skip(this, why);
  });
  const sandbox = withSandbox();
  before("starts NetworkManager", async () => {
    await startNetworkManager(sandbox(), nics, profiles);
  });
  return sandbox;
}

/** NICs eth1 …, each with its other end seg1 … outside. */
export const startNetworkManager = (host: Sandbox, nics: number, profiles = "by-hand"): Promise<string> =>
  on(host, ["sh", path.join(repository, "test/support/networkmanager.sh"), String(nics), profiles]);

/** Why it cannot be started here; undefined: it can. */
export async function withoutNetworkManager(): Promise<string | undefined> {
  if (process.env.VIRTNET_TEST_ROOT !== undefined) return "NetworkManager is tested with this machine's root only";
  const { code } = await run(["sh", "-c", "command -v NetworkManager nmcli busctl dbus-daemon"]);
  return code === 0
    ? undefined
    : "NetworkManager is not installed: apt-get install --no-install-recommends network-manager";
}

/** Runs a command on the sandboxed host; an error when it fails. */
export async function on(host: Pick<Sandbox, "exec">, argv: string[]): Promise<string> {
  const { stdout, stderr, code } = await host.exec(argv);
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr.trim() || stdout.trim() || `code ${code}`}`);
  return stdout.trim();
}
