/** What a domain's XML tells of the VM's room for another NIC. Pure. */
import { child, children, type Element, parseXml } from "../schema/xml.js";
import type { Vm } from "./rules/rule.js";

type Facts = Pick<Vm, "freeSlots" | "slotsBy" | "hotplug" | "bootsByKind">;

export function vmFacts(domainXml: string): Facts {
  const root = parseXml(domainXml);
  const os = child(root, "os");
  const machine = os ? (child(os, "type")?.getAttribute("machine") ?? "") : "";
  const express = /q35|^virt/.test(machine);
  const i440fx = /^pc(?!-q35)/.test(machine);
  const features = child(root, "features");
  const acpi = features !== undefined && child(features, "acpi") !== undefined;
  const devices = child(root, "devices");
  return {
    bootsByKind: os !== undefined && child(os, "boot") !== undefined,
    // The bus of the i440fx needs ACPI for it (hw/acpi/pcihp.c); PCIe, CCW of s390x and RTAS of ppc64 have hot-plug of their own.
    hotplug: !i440fx || acpi,
    ...(express && devices ? { freeSlots: freePorts(devices), slotsBy: "pcie-root-port" } : {}),
    ...(i440fx && devices ? { freeSlots: freePlaces(devices), slotsBy: "pci-bridge" } : {}),
  };
}

const controllersOf = (devices: Element, ...models: string[]): number[] =>
  children(devices, "controller")
    .filter((c) => c.getAttribute("type") === "pci" && models.includes(c.getAttribute("model") ?? ""))
    .map((c) => Number(c.getAttribute("index")));

const pciAddresses = (devices: Element): Element[] =>
  children(devices)
    .flatMap((d) => children(d, "address"))
    .filter((a) => a.getAttribute("type") === "pci");

/** Root ports without a device: each takes one. */
function freePorts(devices: Element): number {
  const taken = new Set(pciAddresses(devices).map((a) => Number(a.getAttribute("bus"))));
  return controllersOf(devices, "pcie-root-port", "pcie-switch-downstream-port").filter((bus) => !taken.has(bus))
    .length;
}

// The first is the bus itself; on it libvirt keeps one for the PIIX3 and one for a VGA (qemuDomainValidateDevicePCISlotsPIIX3).
const SLOTS = 31;
const KEPT = [1, 2];

/** Slots of the i440fx's buses without a device. */
function freePlaces(devices: Element): number {
  const slot = (bus: number, n: number): string => `${bus}:${n}`;
  const taken = new Set(
    pciAddresses(devices).map((a) => slot(Number(a.getAttribute("bus")), Number(a.getAttribute("slot")))),
  );
  for (const n of KEPT) taken.add(slot(0, n));
  const places = controllersOf(devices, "pci-root", "pci-bridge").flatMap((bus) =>
    Array.from({ length: SLOTS }, (_, i) => slot(bus, i + 1)),
  );
  return places.filter((place) => !taken.has(place)).length;
}
