/** What a domain's XML tells of the VM's room for another NIC. Pure. */
import { child, children, type Element, parseXml } from "../schema/xml.js";
import type { Vm } from "./rules/rule.js";

type Facts = Pick<Vm, "freeSlots" | "hotplug" | "bootsByKind">;

export function vmFacts(domainXml: string): Facts {
  const root = parseXml(domainXml);
  const os = child(root, "os");
  const machine = os ? (child(os, "type")?.getAttribute("machine") ?? "") : "";
  const express = /q35|^virt/.test(machine);
  const features = child(root, "features");
  const acpi = features !== undefined && child(features, "acpi") !== undefined;
  const devices = child(root, "devices");
  return {
    bootsByKind: os !== undefined && child(os, "boot") !== undefined,
    // PCIe has hot-plug of its own; the old bus needs ACPI (pci.0 of the i440fx).
    hotplug: express || acpi,
    ...(express && devices ? { freeSlots: freePorts(devices) } : {}),
  };
}

/** Root ports without a device: each takes one. */
function freePorts(devices: Element): number {
  const controllers = children(devices, "controller").filter((c) => c.getAttribute("type") === "pci");
  const ports = controllers
    .filter((c) => ["pcie-root-port", "pcie-switch-downstream-port"].includes(c.getAttribute("model") ?? ""))
    .map((c) => Number(c.getAttribute("index")));
  const taken = new Set(
    children(devices)
      .flatMap((d) => children(d, "address"))
      .filter((a) => a.getAttribute("type") === "pci")
      .map((a) => Number(a.getAttribute("bus"))),
  );
  return ports.filter((index) => !taken.has(index)).length;
}
