/** The guest's device and its options. Source: virDomainNetDefParseXML, virDomainNetDefValidate, qemuValidateDomainDeviceDefNetwork. */
import type { Failure } from "../../handler.js";
import { given, quote } from "../../network/rules/known.js";
import type { Rule, Vm } from "./rule.js";

const VIRTIO = /^virtio/;

// virDomainNetDefParseXML reads the options of virtio devices only, so others would differ for ever.
const virtio: Rule = {
  says: "Driver options belong to a virtio device.",
  check: ({ args }) =>
    args.driver !== undefined && args.model !== undefined && !VIRTIO.test(args.model)
      ? [
          {
            property: "driver",
            reason: `is set, but libvirt drops it for model ${quote(args.model)}: remove it, or use "virtio"`,
          },
        ]
      : [],
};

const size: Rule = {
  says: "A queue's size is a power of two.",
  check: ({ args }) =>
    (["rxQueueSize", "txQueueSize"] as const).flatMap((field): Failure[] => {
      const n = args.driver?.[field];
      return n === undefined || [256, 512, 1024].includes(n)
        ? []
        : [{ property: `driver.${field}`, reason: `${n} is no size of a queue: use 256, 512 or 1024` }];
    }),
};

// virtio_net_max_tx_queue_size (hw/net/virtio-net.c).
const sending: Rule = {
  says: "A send queue has 256 places.",
  check: ({ args }) => {
    const n = args.driver?.txQueueSize;
    return n === 512 || n === 1024
      ? [
          {
            property: "driver.txQueueSize",
            reason: `${n} is only for vhost-user, and the VM would not start: use 256, or remove it`,
          },
        ]
      : [];
  },
};

const bootOrder: Rule = {
  says: "A NIC's boot order stands alone.",
  check: ({ args }, { vm }) =>
    args.bootOrder !== undefined && vm?.bootsByKind
      ? [
          {
            property: "bootOrder",
            reason: `is set, but VM ${quote(vm.name)} orders its devices by kind (<os><boot dev=…/>), and libvirt takes one of the two: remove it, or give its disks a <boot order=…/> instead`,
          },
        ]
      : [],
};

const waits: Rule = {
  says: "Only a NIC whose link is up gets an address.",
  check: ({ args, isSet }) =>
    isSet("waitForAddress") && args.linkState === "down"
      ? [{ property: "waitForAddress", reason: 'is set, but linkState is "down": remove one of the two' }]
      : [],
};

// qemuValidateDomainDeviceDefNetwork: only devices with a tap have several queues.
const queues: Rule = {
  says: "Several queues need a device of the host.",
  check: ({ args }) =>
    (args.driver?.queues ?? 1) > 1
      ? [
          {
            property: "driver.queues",
            reason: `is ${args.driver?.queues}, but source user has one queue: remove it, or use another source`,
          },
        ]
      : [],
};

const slots: Rule = {
  says: "The running VM has a slot left for the NIC.",
  check: (_subject, { vm }) =>
    vm?.running && !vm.plugged && vm.hotplug && vm.freeSlots === 0
      ? [{ property: "domain", reason: noSlot(vm.name, vm.slotsBy) }]
      : [],
};

const hotplug: Rule = {
  says: "The running VM takes devices.",
  check: (_subject, { vm }) =>
    vm?.running && !vm.plugged && !vm.hotplug ? [{ property: "domain", reason: noHotplug(vm.name) }] : [],
};

export const noSlot = (vm: string, by: Vm["slotsBy"] = "pcie-root-port"): string =>
  `VM ${quote(vm)} runs and has no ${by === "pci-bridge" ? "PCI" : "PCIe"} slot left (${by}): stop it, add <controller type='pci' model='${by}'/> to its definition, or run this while it is stopped`;
export const noHotplug = (vm: string): string =>
  `VM ${quote(vm)} runs and takes no devices meanwhile, since it has no ACPI (<features><acpi/></features>): add it to its definition, or run this while it is stopped`;

/** Of a `user` NIC. */
const passt: Rule = {
  says: "Ports are forwarded by passt.",
  check: ({ isSet }) =>
    (["logFile", "device", "portForwards"] as const)
      .filter((f) => isSet(`user.${f}`) && !isSet("user.backend"))
      .map((f) => ({ property: `user.${f}`, reason: 'is set, but only passt has it: set backend: "passt" as well' })),
};

const families: Rule = {
  says: "A guest has one address of each family.",
  check: ({ args }) => {
    const all = (args.user?.addresses ?? [])
      .map((address, i) => ({ address, i }))
      .filter((a) => a.address !== undefined);
    return [":", "."].flatMap((mark) => {
      const [first, ...more] = all.filter(
        ({ address }) => address?.includes(mark) && (mark === ":" || !address.includes(":")),
      );
      return more.map(({ address, i }) => ({
        property: `user.addresses[${i}]`,
        reason: `${address} is a second one of its family, beside ${first?.address}: keep one of the two`,
      }));
    });
  },
};

const range: Rule = {
  says: "A range of forwarded ports does not end before it starts.",
  check: ({ args }) =>
    (args.user?.portForwards ?? []).flatMap((f, i) =>
      (f?.ranges ?? []).flatMap((r, j) =>
        r?.end !== undefined && r.start !== undefined && r.end < r.start
          ? [
              {
                property: `user.portForwards[${i}].ranges[${j}].end`,
                reason: `${r.end} is below start, ${r.start}: exchange the two`,
              },
            ]
          : [],
      ),
    ),
};

const excluded: Rule = {
  says: "Ports that are excluded lead nowhere.",
  check: ({ args }) =>
    (args.user?.portForwards ?? []).flatMap((f, i) =>
      (f?.ranges ?? []).flatMap((r, j) =>
        r?.exclude === true && r.to !== undefined
          ? [
              {
                property: `user.portForwards[${i}].ranges[${j}].to`,
                reason: "is set, but these ports are excluded: remove it",
              },
            ]
          : [],
      ),
    ),
};

const floor: Rule = {
  says: "A guaranteed rate needs a network.",
  check: ({ args }) =>
    given(args as never, "bandwidth.inbound.floor") === undefined
      ? []
      : [
          {
            property: "bandwidth.inbound.floor",
            reason:
              "is set, but only a network of libvirt divides its rate among guests: remove it, or use source network",
          },
        ],
};

export const deviceRules: readonly Rule[] = [bootOrder, slots, hotplug];
export const emulatedRules: readonly Rule[] = [virtio, size, sending, waits];
export const noQueueRules: readonly Rule[] = [queues];
export const passtRules: readonly Rule[] = [passt, families, range, excluded];
export const floorRules: readonly Rule[] = [floor];
