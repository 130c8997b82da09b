/** VMs without an operating system, and what virsh says of their NICs. */
import type { Sandbox } from "../../sandbox/index.js";
import { virsh } from "./sandbox.js";

export interface VmOptions {
  /** Free slots for NICs of a q35; default 6. */
  slots?: number;
  machine?: "q35" | "pc";
  /** Elements beside `<devices>`. */
  more?: string;
  /** Elements within `<devices>`. */
  devices?: string;
}

/** A domain that never releases a NIC while it runs. */
export function vmXml(name: string, { slots = 6, machine = "q35", more = "", devices = "" }: VmOptions = {}): string {
  const ports =
    machine === "q35"
      ? `<controller type='pci' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(slots)}`
      : "";
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='${machine}'>hvm</type></os>${more}<devices><controller type='usb' model='none'/>${ports}${devices}<memballoon model='none'/></devices></domain>`;
}

/** An `<interface>` for its devices; `source`: the attribute of `<source>`, `network='dev'`. */
export const nicXml = (mac: string, type: string, source: string): string =>
  `<interface type='${type}'><mac address='${mac}'/><source ${source}/><model type='virtio'/></interface>`;

/** The `<interface>` elements of a VM that contain a text, without their first word. */
export async function nicsIn(sandbox: Sandbox, vm: string, containing: string, ...flags: string[]): Promise<string[]> {
  return (await virsh(sandbox, ["dumpxml", vm, ...flags]))
    .split("<interface ")
    .slice(1)
    .map((i) => i.split("</interface>")[0] as string)
    .filter((i) => i.includes(containing));
}

export const natXml = (name: string, bridge: string, n: number): string =>
  `<network><name>${name}</name><bridge name='${bridge}' stp='off'/><ip address='10.${n}.1.1' prefix='24'><dhcp><range start='10.${n}.1.10' end='10.${n}.1.99'/></dhcp></ip></network>`;
