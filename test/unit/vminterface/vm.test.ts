import assert from "node:assert/strict";
import { vmFacts } from "../../../provider/vminterface/vm.js";

const domain = (arch: string, machine: string, { features = "", devices = "" } = {}): string =>
  `<domain><os><type arch='${arch}' machine='${machine}'>hvm</type></os>${features}<devices>${devices}</devices></domain>`;
const acpi = "<features><acpi/></features>";
const bus = (model: string, index: number, at = ""): string =>
  `<controller type='pci' index='${index}' model='${model}'>${at}</controller>`;
const at = (onBus: number, slot: number): string =>
  `<address type='pci' domain='0x0000' bus='0x0${onBus}' slot='0x${slot.toString(16)}' function='0x0'/>`;
const nicAt = (onBus: number, slot: number): string => `<interface type='user'>${at(onBus, slot)}</interface>`;

describe("what a domain tells of its room for a NIC", () => {
  it("only an i440fx needs ACPI to take devices while it runs", () => {
    const takes = (arch: string, machine: string, features = "") =>
      vmFacts(domain(arch, machine, { features })).hotplug;
    for (const machine of ["pc", "pc-i440fx-7.2", "pc-0.12"]) {
      assert.equal(takes("x86_64", machine), false, machine);
      assert.equal(takes("x86_64", machine, acpi), true, machine);
    }
    for (const [arch, machine] of [
      ["x86_64", "pc-q35-7.2"],
      ["x86_64", "q35"],
      ["aarch64", "virt-7.2"],
      ["s390x", "s390-ccw-virtio-7.2"],
      ["ppc64le", "pseries-7.2"],
    ] as const)
      assert.equal(takes(arch, machine), true, machine);
  });

  it("slots of PCIe are root ports without a device", () => {
    const devices = `${bus("pcie-root", 0)}${bus("pcie-root-port", 1, at(0, 1))}${bus("pcie-root-port", 2, at(0, 2))}${nicAt(1, 0)}`;
    const { freeSlots, slotsBy } = vmFacts(domain("x86_64", "pc-q35-7.2", { devices }));
    assert.deepEqual([freeSlots, slotsBy], [1, "pcie-root-port"]);
  });

  it("slots of an i440fx are those of its bus that nothing is kept for, and those of the bridges on it", () => {
    const facts = (devices: string) => vmFacts(domain("x86_64", "pc-i440fx-7.2", { features: acpi, devices }));
    const root = bus("pci-root", 0);
    assert.deepEqual([facts(root).freeSlots, facts(root).slotsBy], [29, "pci-bridge"]);
    const full = root + Array.from({ length: 29 }, (_, i) => nicAt(0, i + 3)).join("");
    assert.equal(facts(full).freeSlots, 0);
    assert.equal(facts(full.replace(nicAt(0, 3), bus("pci-bridge", 1, at(0, 3)))).freeSlots, 31);
    assert.equal(vmFacts(domain("s390x", "s390-ccw-virtio-7.2")).freeSlots, undefined, "not counted");
  });
});
