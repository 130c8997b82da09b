/**
 * Networks of libvirt hosts for Pulumi programs.
 *
 * @example
 * ```ts
 * import * as virtnet from "pulumi-virtnet";
 *
 * new virtnet.Network("dev", { mode: "nat", ips: [{ address: "192.168.100.1/24" }] });
 * ```
 */
export { Bond, type BondArgs } from "./bond.js";
export { Bridge, type BridgeArgs } from "./bridge.js";
export type { LinkLookup } from "./link.js";
export {
  type BridgeNetworkArgs,
  type IsolatedNetworkArgs,
  type NatNetworkArgs,
  Network,
  type NetworkArgs,
  type NetworkLookup,
  type NetworkMode,
  type OpenNetworkArgs,
  type RouteNetworkArgs,
  type UpstreamRoute,
} from "./network.js";
export { Vlan, type VlanArgs } from "./vlan.js";
export {
  type BridgeVmInterfaceArgs,
  type DirectVmInterfaceArgs,
  type HostdevVmInterfaceArgs,
  type NetworkVmInterfaceArgs,
  type UserVmInterfaceArgs,
  VmInterface,
  type VmInterfaceAddress,
  type VmInterfaceArgs,
  type VmInterfaceLookup,
} from "./vm-interface.js";
