/** Which backend a host has. Another one (systemd-networkd, netplan) is a directory beside these two, and a row here. */
import { VirtnetError } from "../../handler.js";
import { BACKENDS, type BackendName } from "../args.js";
import type { Access, Backend } from "./backend.js";

const NO_BUSCTL = "whether NetworkManager runs there is not known, for busctl is not on the host";

/** Loaded when it is looked for. @returns it, or why the host does not have it. */
type Open = (access: Access) => Promise<Backend | string>;

const backends: Readonly<Record<BackendName, Open>> = {
  async networkmanager({ host: { uri }, channel }) {
    if (!channel) return "no command can be run there, as NetworkManager needs";
    const { NetworkManager } = require("./networkmanager/index.js") as typeof import("./networkmanager/index.js");
    const presence = await NetworkManager.present(channel, uri);
    if (presence === "runs") return new NetworkManager(channel, uri);
    return presence === "does not run" ? "NetworkManager does not run there" : NO_BUSCTL;
  },
  async libvirt(access) {
    const { LibvirtInterfaces, unusable } = require("./libvirt/index.js") as typeof import("./libvirt/index.js");
    return (await unusable(access)) ?? new LibvirtInterfaces(access);
  },
};

/** What may manage links without being a backend yet, and how it shows. */
const OTHERS: Readonly<Record<string, string>> = {
  "systemd-networkd": "busctl status org.freedesktop.network1",
  netplan: "ls /etc/netplan/*.yaml",
  ifupdown: "test -s /etc/network/interfaces",
};

/** The one that the user wants, else the first that the host has. */
export async function backendOf(access: Access, wanted?: BackendName): Promise<Backend> {
  const missing: string[] = [];
  for (const name of BACKENDS) {
    if (wanted !== undefined && wanted !== name) continue;
    const found = await backends[name](access);
    if (typeof found !== "string") return found;
    missing.push(found);
  }
  const by = wanted === undefined ? "" : ` by backend ${JSON.stringify(wanted)}`;
  const has = await others(access);
  throw new VirtnetError(
    `the links of host ${access.host.uri} cannot be managed${by}: ${missing.join(", and ")}${has}: ${wayOut(access, wanted, missing)}`,
  );
}

async function others({ channel }: Access): Promise<string> {
  if (!channel) return "";
  const script = Object.entries(OTHERS)
    .map(([name, test]) => `if ${test} > /dev/null 2>&1; then echo ${name}; fi`)
    .join("\n");
  const has = (await channel.run(["sh", "-c", script])).stdout.trim().split("\n").filter(Boolean);
  return has.length > 0 ? `; it has ${has.join(", ")}` : "; nor is anything else there that is known";
}

function wayOut({ channel }: Access, wanted: BackendName | undefined, missing: readonly string[]): string {
  if (missing.includes(NO_BUSCTL)) return "install busctl (systemd's command-line tools) there";
  if (wanted === "libvirt") return 'leave backend out, or use "networkmanager", on a host with NetworkManager';
  return channel
    ? "install and start NetworkManager, or make the link by hand"
    : "use a local uri or qemu+ssh://, or configure a command (virtnet:command)";
}
