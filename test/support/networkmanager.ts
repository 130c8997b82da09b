import * as path from "node:path";
import { run, type Sandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { repository } from "./repository.js";
import { withSandbox } from "./sandbox.js";

/** A sandbox with NetworkManager and NICs eth1 …; without NetworkManager on the machine the tests are skipped. */
export function withNetworkManager(nics: number): () => Sandbox {
  before("looks for NetworkManager", async function () {
    const { code } = await run(["sh", "-c", "command -v NetworkManager nmcli busctl dbus-daemon"]);
    if (code !== 0)
      skip(this, "NetworkManager is not installed: apt-get install --no-install-recommends network-manager");
  });
  const sandbox = withSandbox();
  before("starts NetworkManager", async function () {
    if (process.env.VIRTNET_TEST_ROOT !== undefined)
      skip(this, "NetworkManager is tested with this machine's root only");
    await on(sandbox(), ["sh", path.join(repository, "test/support/networkmanager.sh"), String(nics)]);
  });
  return sandbox;
}

/** Runs a command on the sandboxed host; an error when it fails. */
export async function on(host: Pick<Sandbox, "exec">, argv: string[]): Promise<string> {
  const { stdout, stderr, code } = await host.exec(argv);
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr.trim() || stdout.trim() || `code ${code}`}`);
  return stdout.trim();
}
