/** Options of the virtio device and of what serves it on the host. Source: libvirt formatdomain, "Setting NIC driver-specific options". */
import { int, object, oneOf, onOff } from "../../schema/node.js";

const hostOffloads = object({
  /** Checksums. Default: on. */
  csum: onOff("driver/host/@csum"),
  /** Generic segmentation. Default: on. */
  gso: onOff("driver/host/@gso"),
  /** TCP segmentation over IPv4. Default: on. */
  tso4: onOff("driver/host/@tso4"),
  /** TCP segmentation over IPv6. Default: on. */
  tso6: onOff("driver/host/@tso6"),
  /** Congestion notification. Default: on. */
  ecn: onOff("driver/host/@ecn"),
  /** UDP fragmentation. Default: on. */
  ufo: onOff("driver/host/@ufo"),
  /** Mergeable receive buffers. Default: on. */
  mrgRxbuf: onOff("driver/host/@mrg_rxbuf"),
});

const guestOffloads = object({
  /** Checksums. Default: on. */
  csum: onOff("driver/guest/@csum"),
  /** TCP segmentation over IPv4. Default: on. */
  tso4: onOff("driver/guest/@tso4"),
  /** TCP segmentation over IPv6. Default: on. */
  tso6: onOff("driver/guest/@tso6"),
  /** Congestion notification. Default: on. */
  ecn: onOff("driver/guest/@ecn"),
  /** UDP fragmentation. Default: on. */
  ufo: onOff("driver/guest/@ufo"),
});

export const driver = object({
  /** Who serves the device: the kernel (`vhost`) or QEMU itself. Default: `vhost` where the host has it. */
  name: oneOf("driver/@name", ["qemu", "vhost"]),
  /** Pairs of queues, 1–256: with several the guest's CPUs share the work. */
  queues: int("driver/@queues", 1, 256, { default: 1 }),
  /** Size of a receive queue: 256, 512 or 1024. */
  rxQueueSize: int("driver/@rx_queue_size", 256, 1024),
  /** Size of a send queue: 256, 512 or 1024; QEMU takes more than 256 with vhost-user only. */
  txQueueSize: int("driver/@tx_queue_size", 256, 1024),
  /** When packets are sent. Default: QEMU's. */
  txmode: oneOf("driver/@txmode", ["iothread", "timer"]),
  /** The guest's notifications are handled beside its CPU. Default: QEMU's. */
  ioeventfd: onOff("driver/@ioeventfd"),
  /** Fewer interrupts and exits. Default: QEMU's. */
  eventIdx: onOff("driver/@event_idx"),
  /** The device uses the VM's IOMMU. */
  iommu: onOff("driver/@iommu"),
  /** Address translation services for PCIe devices. */
  ats: onOff("driver/@ats"),
  /** Packed queues. */
  packed: onOff("driver/@packed"),
  /** Work that the host takes off the guest. */
  host: hostOffloads,
  /** Work that the guest can take. */
  guest: guestOffloads,
});
