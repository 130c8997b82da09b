/** The definition of a guest's virtual machine. */
import type { GuestImage } from "./guest-image.js";

export interface GuestNic {
  /** A libvirt network, or */
  network?: string;
  /** a bridge of the host. */
  bridge?: string;
  mac?: string;
  model?: string;
  /** "dhcp" by default, "none", or fixed ones with their prefix. */
  addresses?: "dhcp" | "none" | { v4?: string; v6?: string };
}

export interface GuestOptions {
  name: string;
  nics?: GuestNic[];
  memoryMiB?: number;
  /** PCIe slots for NICs to hot-plug; 6 by default. */
  spareSlots?: number;
  /** Runs QEMU's guest agent, as Debian has it, and has a channel to it. Default: false. */
  agent?: boolean;
}

/** Where their files are in the sandbox. */
export const GUESTS = "/run/virtnet/guests";

function xml(strings: TemplateStringsArray, ...values: (string | number)[]): string {
  const escaped = (value: string | number) =>
    String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return strings.reduce((text, piece, index) => text + escaped(values[index - 1] ?? "") + piece);
}

export function domainXml(
  options: GuestOptions,
  uuid: string,
  nics: (GuestNic & { mac: string })[],
  files: GuestImage,
): string {
  const { name, memoryMiB = 128, spareSlots = 6, agent = false } = options;
  const fixed = nics.flatMap(({ mac, addresses = "dhcp" }) => {
    if (addresses === "dhcp") return [];
    return [
      `nic=${mac.toLowerCase()},${addresses === "none" ? "none" : `${addresses.v4 ?? ""},${addresses.v6 ?? ""}`}`,
    ];
  });
  const cmdline = [
    ...[
      "console=ttyS0",
      "quiet",
      "panic=1",
      "nokaslr",
      "mitigations=off",
      "no_timer_check",
      "cryptomgr.notests",
      "i8042.noaux",
    ],
    ...["random.trust_cpu=on", `guest=${name}`, ...fixed],
  ].join(" ");
  const interfaces = nics.map(({ network, bridge, mac, model = "virtio" }) => {
    const source =
      network === undefined ? xml`<source bridge='${bridge ?? ""}'/>` : xml`<source network='${network}'/>`;
    const type = network === undefined ? "bridge" : "network";
    return xml`<interface type='${type}'><mac address='${mac}'/>` + source + xml`<model type='${model}'/></interface>`;
  });
  const ports = Array.from(
    { length: nics.length + 1 + spareSlots },
    () => "<controller type='pci' model='pcie-root-port'/>",
  );
  const channel = agent ? "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>" : "";
  return (
    xml`<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>${memoryMiB}</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>${files.kernel}</kernel><initrd>${files.initrd}</initrd><cmdline>${cmdline}</cmdline></os>
  <features><acpi/><apic/></features>
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <devices>
    <controller type='usb' model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
    ` +
    [...ports, ...interfaces, channel].join("\n    ") +
    xml`
    <serial type='file'><source path='${GUESTS}/${name}.console'/></serial>
    <channel type='unix'><source mode='bind' path='${GUESTS}/${name}.shell'/><target type='virtio' name='org.virtnet.shell'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>
`
  );
}
