/** NICs of a guest, whatever it is. */
import { randomBytes } from "node:crypto";

export interface NicAddresses {
  nic: string;
  mac: string;
  v4: string[];
  v6: string[];
}

/** Reads `ip -o link` and `ip -o addr` together. */
export function readAddresses(text: string): NicAddresses[] {
  const nics = new Map<string, NicAddresses>();
  for (const line of text.split("\n")) {
    const name = /^\d+: ([^\s@:]+)/.exec(line)?.[1];
    if (name === undefined || name === "lo") continue;
    const nic = nics.get(name) ?? { nic: name, mac: "", v4: [], v6: [] };
    nics.set(name, nic);
    nic.mac = /link\/ether (\S+)/.exec(line)?.[1] ?? nic.mac;
    const [, family, address = ""] = /\s(inet6?) (\S+)/.exec(line) ?? [];
    if (family === "inet") nic.v4.push(address);
    if (family === "inet6" && !address.startsWith("fe80:")) nic.v6.push(address);
  }
  return [...nics.values()].filter(({ mac }) => mac !== "");
}

export const LIST_ADDRESSES = "ip -o link; ip -o addr";

export function randomMac(): string {
  return ["52", "54", "00", ...[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
