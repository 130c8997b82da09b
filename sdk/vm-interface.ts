import type * as pulumi from "@pulumi/pulumi";
import type { DeepInput } from "./input.js";
import { HostResource } from "./resource.js";
import { config, defaultUri, ownerOf } from "./settle.js";
import type * as plain from "./vm-interface-args.js";

/** What tells the arguments apart: a NIC is plugged into one of these. */
type Source = "network" | "bridge" | "direct" | "hostdev" | "user";
type Nic<Own extends Source, T> = { [K in keyof T]: DeepInput<T[K]> } & { [K in Exclude<Source, Own>]?: undefined };

/** Arguments of a {@link VmInterface}; which fields there are depends on what it is plugged into. */
export type VmInterfaceArgs =
  | NetworkVmInterfaceArgs
  | BridgeVmInterfaceArgs
  | DirectVmInterfaceArgs
  | HostdevVmInterfaceArgs
  | UserVmInterfaceArgs;
/** Arguments of a NIC on a network of libvirt. */
export type NetworkVmInterfaceArgs = Nic<"network", plain.NetworkNicArgs>;
/** Arguments of a NIC on a bridge of the host. */
export type BridgeVmInterfaceArgs = Nic<"bridge", plain.BridgeNicArgs>;
/** Arguments of a NIC on a device of the host, through macvtap. */
export type DirectVmInterfaceArgs = Nic<"direct", plain.DirectNicArgs>;
/** Arguments of a NIC that is a virtual function of the host's (SR-IOV). */
export type HostdevVmInterfaceArgs = Nic<"hostdev", plain.HostdevNicArgs>;
/** Arguments of a NIC whose guest reaches the outside as a process of the host does. */
export type UserVmInterfaceArgs = Nic<"user", plain.UserNicArgs>;

/** An address of the guest. */
export interface VmInterfaceAddress {
  /** The address: `192.168.100.17`. */
  address: string;
  /** Prefix length; absent where the source does not know it. */
  prefix?: number;
  /** Its family. */
  family: "ipv4" | "ipv6";
  /** Who says so: the network's DHCP server, the agent in the guest, or the host's neighbour table. */
  source: "lease" | "agent" | "arp";
}

/** What {@link VmInterface.get} needs beside the id. */
export interface VmInterfaceLookup {
  /** Which host. Default: as for a new NIC. */
  uri?: pulumi.Input<string>;
}

/** What the provider fills in. They are declared to the engine as undefined, which makes them unknown in a preview. */
const computed = {
  mac: undefined,
  alias: undefined,
  targetDevice: undefined,
  domainUuid: undefined,
  domainName: undefined,
  generated: undefined,
  active: undefined,
  addresses: undefined,
  adopted: undefined,
  remade: undefined,
  otherwise: undefined,
  hostUuid: undefined,
  hostName: undefined,
};

/**
 * A NIC of a VM that something else has made: plugged, changed and unplugged while the VM runs.
 *
 * The VM is never stopped: a change runs live where libvirt can, and else unplugs and plugs this one NIC, with its MAC.
 *
 * @example
 * ```ts
 * const storage = new virtnet.Network("storage", { mode: "isolated", mtu: 9000 });
 * const nic = new virtnet.VmInterface("web-storage", { domain: "web", network: storage.name });
 * export const mac = nic.mac;
 * ```
 *
 * @example
 * On a bridge that the host has.
 * ```ts
 * new virtnet.VmInterface("web-lan", { domain: "web", bridge: "br0" });
 * ```
 */
export class VmInterface extends HostResource {
  // `declare`: a field of its own would overwrite the output that Pulumi sets (pulumi/pulumi#12160).

  /** The VM, as it was given. */
  declare readonly domain: pulumi.Output<string>;
  /** UUID of the VM. */
  declare readonly domainUuid: pulumi.Output<string>;
  /** Name of the VM. */
  declare readonly domainName: pulumi.Output<string>;
  /** The host that it is on. */
  declare readonly uri: pulumi.Output<string>;
  /** MAC of the guest's NIC; known in the preview already. */
  declare readonly mac: pulumi.Output<string>;
  /** Name of the device in libvirt. */
  declare readonly alias: pulumi.Output<string | undefined>;
  /** Name of the device on the host; only while the VM runs, and another at each start unless it was given. */
  declare readonly targetDevice: pulumi.Output<string | undefined>;
  /** Which of `alias` and `targetDevice` the program did not give. */
  declare readonly generated: pulumi.Output<string[]>;
  /** Whether it is plugged into a running VM. */
  declare readonly active: pulumi.Output<boolean>;
  /** The guest's addresses when this ran last, with who says so; `waitForAddress` waits for one. */
  declare readonly addresses: pulumi.Output<VmInterfaceAddress[]>;
  /** Whether it was there before the resource. */
  declare readonly adopted: pulumi.Output<boolean>;
  /** How often another program has made the VM anew without the NIC; absent: never. */
  declare readonly remade: pulumi.Output<number | undefined>;
  /** Where the running VM and the stored definition differ: what the other of the two has than the arguments tell; absent: nothing. The next `up` makes both alike. */
  declare readonly otherwise: pulumi.Output<Record<string, unknown> | undefined>;
  /** libvirt's UUID of the host. */
  declare readonly hostUuid: pulumi.Output<string>;
  /** Name of the host, as it calls itself. */
  declare readonly hostName: pulumi.Output<string>;

  /**
   * @param name Name of the resource.
   * @param args Which VM, and what the NIC is plugged into: one of `network`, `bridge`, `direct`, `hostdev`, `user`.
   * @param opts Options of Pulumi. `deleteBeforeReplace` is true unless said otherwise.
   */
  constructor(name: string, args: VmInterfaceArgs, opts?: pulumi.CustomResourceOptions) {
    const isLookup = opts?.id !== undefined;
    if (!isLookup && (typeof args !== "object" || args === null)) {
      throw new Error(`VmInterface "${name}": arguments are missing, at least { domain: "VM", network: "NETWORK" }`);
    }
    const settled = isLookup
      ? { uri: args?.uri ?? defaultUri(), domain: undefined }
      : {
          ...args,
          uri: args.uri ?? defaultUri(),
          maxImpact: args.maxImpact ?? config("maxImpact"),
          owner: ownerOf(name, opts?.parent),
        };
    super("VmInterface", name, { ...computed, ...settled }, opts);
  }

  /**
   * A NIC that exists and is not managed here: its outputs, read at each run.
   *
   * @param name Name of the resource.
   * @param id UUID of the VM and MAC of the NIC, `UUID/MAC` (`virsh domuuid VM`, `virsh domiflist VM`).
   * @param lookup Which host.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    lookup: VmInterfaceLookup = {},
    opts?: pulumi.CustomResourceOptions,
  ): VmInterface {
    return new VmInterface(name, lookup as VmInterfaceArgs, { ...opts, id });
  }

  /** Whether `value` is a VmInterface, also of another copy of this package. */
  static override isInstance(value: unknown): value is VmInterface {
    return (
      (value as { __pulumiType?: string } | undefined)?.__pulumiType === "pulumi-nodejs:dynamic/virtnet:VmInterface"
    );
  }
}
