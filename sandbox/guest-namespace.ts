/** Guests that are network namespaces. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { SOURCE, which } from "./guest-image.js";
import { type Executor, requirePrograms, type Sandbox, SandboxError } from "./index.js";
import { LIST_ADDRESSES, type NicAddresses, randomMac, readAddresses } from "./nics.js";
import { type Pinger, pinger } from "./ping.js";

export interface HostGuestOptions {
  bridge: string;
  /** Of the namespace; letters, digits, hyphens, at most 12 characters. */
  name: string;
  /** With prefix. */
  v4?: string;
  /** With prefix. Router advertisements are heeded only without it. */
  v6?: string;
  /** Where its default routes go. */
  gateway?: { v4?: string; v6?: string };
  /** IPv4 by DHCP. */
  dhcp?: boolean;
  mac?: string;
}

export interface HostGuest extends Executor, Pinger {
  name: string;
  mac: string;
  addresses(): Promise<NicAddresses[]>;
  stop(): Promise<void>;
}

/** A network namespace with eth0 on a bridge of the sandbox. */
export async function hostGuest(sandbox: Sandbox, options: HostGuestOptions): Promise<HostGuest> {
  const { name, bridge, v4, v6, gateway = {}, dhcp = false, mac = randomMac() } = options;
  if (!/^[a-z0-9-]{1,12}$/i.test(name))
    throw new SandboxError(`"${name}" cannot be a guest's name: letters, digits, hyphens, at most 12.`);
  requirePrograms({ busybox: "busybox-static" }, "A guest");
  for (const [file, source] of [
    ["busybox", await which("busybox")],
    ["udhcpc.sh", path.join(SOURCE, "udhcpc.sh")],
  ] as const) {
    const target = sandbox.path(`/run/virtnet/${file}`);
    if (fs.existsSync(target)) continue;
    const temporary = `${target}.${randomBytes(4).toString("hex")}`;
    fs.copyFileSync(source, temporary);
    fs.chmodSync(temporary, 0o755);
    fs.renameSync(temporary, target);
  }
  const inside = sandbox.namespace(name);
  const port = `hg-${name}`;
  const stop = async () => {
    await sandbox.exec([
      "sh",
      "-c",
      `for p in $(ip netns pids ${name}); do kill -9 $p; done; ip link del ${port}; ip netns del ${name}`,
    ]);
  };
  const must = async (executor: Executor, script: string) => {
    const { stderr, code } = await executor.exec(["sh", "-ec", script]);
    if (code === 0) return;
    await stop();
    throw new SandboxError(`The guest "${name}" on "${bridge}" did not start: ${stderr.trim()}`);
  };
  await must(
    sandbox,
    `ip netns add ${name}; ip link add ${port} type veth peer name eth0 netns ${name} address ${mac}`,
  );
  await must(
    inside,
    "for i in all default eth0; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done; ip link set lo up",
  );
  await must(sandbox, `ip link set ${port} master ${bridge}; ip link set ${port} up`);
  await must(
    inside,
    [
      ...(v6 === undefined ? [] : ["echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra"]),
      "ip link set eth0 up",
      ...(v4 === undefined ? [] : [`ip addr add ${v4} dev eth0`]),
      ...(v6 === undefined ? [] : [`ip addr add ${v6} dev eth0 nodad`]),
      ...(gateway.v4 === undefined ? [] : [`ip route replace default via ${gateway.v4}`]),
      ...(gateway.v6 === undefined ? [] : [`ip route replace ::/0 via ${gateway.v6} dev eth0`]),
      ...(dhcp
        ? [`/run/virtnet/busybox udhcpc -i eth0 -s /run/virtnet/udhcpc.sh -x hostname:${name} -t 5 -T 3 -n > /dev/null`]
        : []),
    ].join("; "),
  );
  return {
    name,
    mac,
    ...inside,
    ...pinger((command) => inside.exec(["sh", "-c", command]), "/run/virtnet/busybox"),
    addresses: async () => readAddresses((await inside.exec(["sh", "-c", LIST_ADDRESSES])).stdout),
    stop,
  };
}
