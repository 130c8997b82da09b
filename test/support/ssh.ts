/** ssh to a sandbox, from a machine outside: a real sshd there, keys and known hosts of its own. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { run, type Sandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";

export interface SshAccess {
  /** `qemu+ssh://` with the key, the known hosts, and the program that starts from outside. */
  uri: string;
  knownHosts: string;
  close(): void;
}

const must = async (what: Promise<{ stdout: string; stderr: string; code: number }>): Promise<string> => {
  const { stdout, stderr, code } = await what;
  if (code !== 0) throw new Error(stderr || stdout || `code ${code}`);
  return stdout;
};

/** Skips the tests of a suite where there is no sshd to be reached. */
export function needsSshd(): void {
  before("looks for sshd", async function () {
    const { code } = await run(["sh", "-c", "PATH=$PATH:/usr/sbin; command -v ssh ssh-keygen sshd"]);
    if (code !== 0) skip(this, "there is no ssh or sshd here: apt-get install openssh-client openssh-server");
  });
}

/** @param host an address of the sandbox that is reached from outside. */
export async function sshTo(sandbox: Sandbox, host = sandbox.hostAddress.v4, port = 2222): Promise<SshAccess> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-ssh-test-"));
  const at = (name: string) => path.join(dir, name);
  for (const key of ["id", "host"]) await must(run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at(key)]));
  await must(sandbox.exec(["mkdir", "-p", "-m", "755", "/run/sshd"]));
  await must(
    sandbox.exec([
      ...["/usr/sbin/sshd", "-f", "/dev/null", "-h", at("host"), "-p", String(port), "-o", "UsePAM=no"],
      ...["-o", `AuthorizedKeysFile=${at("id.pub")}`, "-o", "StrictModes=no", "-o", "PermitRootLogin=yes"],
      ...["-o", "PidFile=/run/sshd.pid", "-o", "UseDNS=no"],
    ]),
  );
  fs.writeFileSync(at("known_hosts"), `[${host}]:${port} ${fs.readFileSync(at("host.pub"), "utf8")}`);
  // ssh as a machine beyond the uplink would start it. libvirt knows no known_hosts for it.
  const enter = `nsenter -t ${sandbox.pid} -n -m -- nsenter --net=/run/netns/outside --`;
  fs.writeFileSync(
    at("ssh"),
    `#!/bin/sh\nexec ${enter} ssh -F /dev/null -o UserKnownHostsFile=${at("known_hosts")} "$@"\n`,
    { mode: 0o755 },
  );
  const query = new URLSearchParams({ keyfile: at("id"), known_hosts: at("known_hosts"), command: at("ssh") });
  return {
    uri: `qemu+ssh://root@${host}:${port}/system?${query}`,
    knownHosts: at("known_hosts"),
    close: () => fs.rmSync(dir, { recursive: true, force: true }),
  };
}
