/** Which backend a host has. Another one is a file beside networkmanager/ and a row here. */
import { VirtnetError } from "../../handler.js";
import type { Channel } from "../../host/channel.js";
import type { Backend } from "./backend.js";
import { NetworkManager } from "./networkmanager/index.js";

interface Candidate {
  present(channel: Channel): Promise<boolean>;
  open(channel: Channel): Backend;
}

const backends: Readonly<Record<string, Candidate>> = {
  networkmanager: { present: NetworkManager.present, open: (channel) => new NetworkManager(channel) },
};

/** What may manage links without being a backend yet, and how it shows. */
const OTHERS: Readonly<Record<string, string>> = {
  "systemd-networkd": "busctl status org.freedesktop.network1",
  netplan: "ls /etc/netplan/*.yaml",
  ifupdown: "test -s /etc/network/interfaces",
};

export async function backendOf(channel: Channel, wanted: string | undefined, uri: string): Promise<Backend> {
  for (const [name, candidate] of Object.entries(backends)) {
    if ((wanted ?? name) === name && (await candidate.present(channel))) return candidate.open(channel);
  }
  const script = Object.entries(OTHERS)
    .map(([name, test]) => `if ${test} > /dev/null 2>&1; then echo ${name}; fi`)
    .join("\n");
  const has = (await channel.run(["sh", "-c", script])).stdout.trim().split("\n").filter(Boolean);
  throw new VirtnetError(
    `the links of host ${uri} cannot be managed: NetworkManager does not run there (${has.length > 0 ? `it has ${has.join(", ")}` : "nor anything else that is known"}): install and start NetworkManager, or make the link by hand`,
  );
}
