import type * as pulumi from "@pulumi/pulumi";
import type { TaggedInputs } from "./input.js";
import type * as plain from "./network-args.js";
import { HostResource } from "./resource.js";
import { config, defaultUri, ownerOf } from "./settle.js";

/** Arguments of a {@link Network}; which fields there are depends on `mode`, the only one that must be plain. */
export type NetworkArgs = NatNetworkArgs | RouteNetworkArgs | OpenNetworkArgs | IsolatedNetworkArgs | BridgeNetworkArgs;
/** Arguments of a network whose guests reach the outside behind the host's address. */
export type NatNetworkArgs = TaggedInputs<plain.NatArgs, "mode">;
/** Arguments of a network with a subnet of its own that the outside routes to. */
export type RouteNetworkArgs = TaggedInputs<plain.RouteArgs, "mode">;
/** Arguments of a network without firewall rules by libvirt. */
export type OpenNetworkArgs = TaggedInputs<plain.OpenArgs, "mode">;
/** Arguments of a network that reaches only its host. */
export type IsolatedNetworkArgs = TaggedInputs<plain.IsolatedArgs, "mode">;
/** Arguments of a network on a bridge or device that the host has already. */
export type BridgeNetworkArgs = TaggedInputs<plain.BridgeArgs, "mode">;

/** How a network reaches the outside. */
export type NetworkMode = NetworkArgs["mode"];

/** An entry that routers outside need to reach a `route` network. */
export interface UpstreamRoute {
  /** Subnet of the network: `192.168.100.0/24`. */
  destination: string;
  /** The libvirt host. */
  via: string;
}

/** What {@link Network.get} needs beside the id. */
export interface NetworkLookup {
  /** Which host. Default: as for a new network. */
  uri?: pulumi.Input<string>;
}

/** What the provider fills in. They are declared to the engine as undefined, which makes them unknown in a preview. */
const computed = {
  uuid: undefined,
  bridgeName: undefined,
  macAddress: undefined,
  active: undefined,
  adopted: undefined,
  hostUuid: undefined,
  hostName: undefined,
  upstreamRoutes: undefined,
  pending: undefined,
  restartMs: undefined,
};

/**
 * A virtual network of a libvirt host.
 *
 * A change keeps the VMs connected: it runs live where libvirt can, and the preview says what it costs where it cannot.
 *
 * @example
 * ```ts
 * const dev = new virtnet.Network("dev", {
 *   mode: "nat",
 *   ips: [{ address: "192.168.100.1/24", dhcp: { ranges: [{ start: "192.168.100.10", end: "192.168.100.99" }] } }],
 * });
 * ```
 *
 * @example
 * On a bridge that the host has; guests are in its LAN.
 * ```ts
 * const lan = new virtnet.Network("lan", { mode: "bridge", bridge: "br0" });
 * ```
 */
export class Network extends HostResource {
  // `declare`: a field of its own would overwrite the output that Pulumi sets (pulumi/pulumi#12160).

  /** Name on the host. */
  declare readonly name: pulumi.Output<string>;
  /** How guests reach the outside. */
  declare readonly mode: pulumi.Output<NetworkMode>;
  /** The host that it is on. */
  declare readonly uri: pulumi.Output<string>;
  /** libvirt's UUID of the network. */
  declare readonly uuid: pulumi.Output<string>;
  /** The bridge device that guests are plugged into; none with macvtap and hostdev. */
  declare readonly bridgeName: pulumi.Output<string | undefined>;
  /** MAC of the bridge that libvirt makes; none in mode `bridge`. */
  declare readonly macAddress: pulumi.Output<string | undefined>;
  /** Whether the network runs. */
  declare readonly active: pulumi.Output<boolean>;
  /** Whether it was there before the resource. */
  declare readonly adopted: pulumi.Output<boolean>;
  /** libvirt's UUID of the host. */
  declare readonly hostUuid: pulumi.Output<string>;
  /** Name of the host, as it calls itself. */
  declare readonly hostName: pulumi.Output<string>;
  /** Entries that routers outside need; empty in all modes but `route`. */
  declare readonly upstreamRoutes: pulumi.Output<UpstreamRoute[]>;
  /** Paths of what takes effect when somebody restarts the network; empty without `apply: "next-restart"`. */
  declare readonly pending: pulumi.Output<string[]>;
  /** How long the network was down in its last restart, in ms; none before the first one. */
  declare readonly restartMs: pulumi.Output<number | undefined>;

  /**
   * @param name Name of the resource, and of the network on the host unless `args.name` says another.
   * @param args Which network; the fields depend on `mode`.
   * @param opts Options of Pulumi. `deleteBeforeReplace` is true unless said otherwise.
   */
  constructor(name: string, args: NetworkArgs, opts?: pulumi.CustomResourceOptions) {
    const isLookup = opts?.id !== undefined;
    if (!isLookup && (typeof args !== "object" || args === null)) {
      throw new Error(`Network "${name}": arguments are missing, at least mode: { mode: "nat", … }`);
    }
    const settled = isLookup
      ? { uri: args?.uri ?? defaultUri(), name: undefined, mode: undefined }
      : {
          ...args,
          name: args.name ?? name,
          uri: args.uri ?? defaultUri(),
          maxImpact: args.maxImpact ?? config("maxImpact"),
          owner: ownerOf(name, opts?.parent),
        };
    super("Network", name, { ...computed, ...settled }, opts);
  }

  /**
   * A network that exists on the host and is not managed here: its outputs, read at each run.
   *
   * @param name Name of the resource.
   * @param id UUID of the network on the host (`virsh net-uuid NAME`).
   * @param lookup Which host.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    lookup: NetworkLookup = {},
    opts?: pulumi.CustomResourceOptions,
  ): Network {
    return new Network(name, lookup as NetworkArgs, { ...opts, id });
  }

  /** Whether `value` is a Network, also of another copy of this package. */
  static override isInstance(value: unknown): value is Network {
    return (value as { __pulumiType?: string } | undefined)?.__pulumiType === "pulumi-nodejs:dynamic/virtnet:Network";
  }
}
