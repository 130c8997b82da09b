/** What may be asked about libvirt's networks: the type of `connection.networks`. */
import type { Affect, Ref } from "./common.js";

/** One network as seen in a listing. */
export interface NetworkInfo {
  name: string;
  uuid: string;
  active: boolean;
  persistent: boolean;
  autostart: boolean;
  /** The stored definition; for a transient network, the live one. */
  inactiveXml: string;
  /** The running definition; undefined when not active. */
  liveXml?: string;
}

/** Which networks {@link Networks.list} tells of, and how much; filters that are absent let all through. */
export interface NetworkListOptions {
  /** Only those that run, or only those that do not. */
  active?: boolean;
  /** Only those that are stored, or only transient ones. */
  persistent?: boolean;
  /** Only those that start with the daemon, or only those that do not. */
  autostart?: boolean;
  /** Only those with these UUIDs; one that there is not is left out. */
  uuids?: readonly string[];
  /** false: leave out the definitions. Default: true. */
  xml?: boolean;
  /** After so many ms no more definitions are read. Default: no limit. */
  withinMs?: number;
}

/** The use of a network by one NIC. */
export interface NetworkPort {
  uuid: string;
  ownerUuid: string;
  ownerName: string;
  mac: string;
  xml: string;
}

/** An address that a network's DHCP server has given out. */
export interface Lease {
  /** The network's bridge. */
  iface: string;
  /** In s since 1970; 0 for one that does not end. */
  expiryTime: number;
  type: "ipv4" | "ipv6";
  mac?: string;
  iaid?: string;
  address: string;
  prefix: number;
  hostname?: string;
  clientId?: string;
}

/** virNetworkUpdateCommand, by the header's names. */
export type UpdateCommand = "modify" | "delete" | "add-last" | "add-first";
/** virNetworkUpdateSection, by the header's names. */
export type UpdateSection =
  | "bridge"
  | "domain"
  | "ip"
  | "ip-dhcp-host"
  | "ip-dhcp-range"
  | "forward"
  | "forward-interface"
  | "forward-pf"
  | "portgroup"
  | "dns-host"
  | "dns-txt"
  | "dns-srv";
/** What of a network's notes is meant: its description, its title, or the element of one namespace below `<metadata>`. */
export type MetadataType = "description" | "title" | "element";

/**
 * Calls on networks. One on a network that there is not rejects with class "not-found", where nothing else is said; one that the
 * host's driver lacks with "unsupported".
 */
export interface Networks {
  /**
   * All networks, or those that pass the filters, in one request to the worker; in libvirt's order (virConnectListAllNetworks).
   *
   * Without `xml: false` one or two XML calls a network. A network whose definition was not read has `inactiveXml: ""`.
   *
   * @example
   * ```ts
   * const forgotten = await connection.networks.list({ active: false, autostart: true, xml: false });
   * ```
   */
  list(options?: NetworkListOptions): Promise<NetworkInfo[]>;
  /** One network; undefined when it does not exist, any other failure rejects (virNetworkLookupByUUIDString or ByName, virNetworkGetXMLDesc). */
  get(ref: Ref): Promise<NetworkInfo | undefined>;
  /** The running definition, of a stopped network the stored one, and nothing else (virNetworkGetXMLDesc); undefined when it does not exist. */
  xml(ref: Ref): Promise<string | undefined>;
  /**
   * Store a network, or change the stored definition of the one with the same name and UUID; it does not start (virNetworkDefineXMLFlags).
   *
   * Validated against the daemon's schema, unless `validate: false` or daemon or client library is older than 7.7. Class "invalid-input"
   * for XML that does not pass; "exists" where name or UUID is another's; "internal" for a bridge that another network has.
   */
  define(xml: string, options?: { validate?: boolean }): Promise<{ name: string; uuid: string }>;
  /** Start a network that is not stored: it is gone once destroyed (virNetworkCreateXML). Errors as for {@link define}. */
  createXml(xml: string): Promise<{ name: string; uuid: string }>;
  /** Start a stored network (virNetworkCreate). Class "invalid-state" when it runs; "internal" when the host refuses, with the reason as text. */
  start(ref: Ref): Promise<void>;
  /** Stop a network; its stored definition stays, its NICs lose their connection (virNetworkDestroy). Class "invalid-state" when it does not run. */
  destroy(ref: Ref): Promise<void>;
  /** Delete the stored definition; a network that runs becomes transient (virNetworkUndefine). Class "invalid-state" for a transient one. */
  undefine(ref: Ref): Promise<void>;
  /** Whether the network starts with the daemon (virNetworkSetAutostart). Class "invalid-state" for a transient one. */
  setAutostart(ref: Ref, on: boolean): Promise<void>;
  /**
   * Change one element of a network while it runs (virNetworkUpdate; right for client libraries from 7.2 on).
   *
   * @param parentIndex which parent (an `<ip>` for DHCP) has the element, from 0; -1: the one that fits.
   * @param xml the element. `modify` and `delete` find it by what identifies it: a host by its MAC or name, a range by both ends.
   *
   * Class "unsupported" for a section that libvirt cannot change so; "invalid-state" for an element that is there already, or is not.
   *
   * @example
   * ```ts
   * await connection.networks.update({ name: "dev" }, "add-last", "ip-dhcp-host", -1, "<host mac='52:54:00:00:00:01' ip='10.0.0.5'/>", "both");
   * ```
   */
  update(
    ref: Ref,
    command: UpdateCommand,
    section: UpdateSection,
    parentIndex: number,
    xml: string,
    affect: Affect,
  ): Promise<void>;
  /**
   * Title, description, or the element of a namespace; undefined where there is none (virNetworkGetMetadata).
   *
   * @param uri the namespace of an element; null for title and description.
   * @param affect of which definition; absent: of the running one where the network runs, else of the stored one.
   *
   * Class "unsupported" where daemon or client library is older than 9.7: there `inactiveXml` and `liveXml` of {@link get} have it.
   *
   * @example
   * ```ts
   * await connection.networks.getMetadata({ name: "dev" }, "title", null, "config"); // "The developers' network"
   * await connection.networks.getMetadata({ name: "dev" }, "element", "urn:x-inventory"); // "<record rack="r1"/>"
   * ```
   */
  getMetadata(
    ref: Ref,
    type: MetadataType,
    uri: string | null,
    affect?: Exclude<Affect, "both">,
  ): Promise<string | undefined>;
  /**
   * Set title, description, or the element of a namespace, without touching anything else (virNetworkSetMetadata).
   *
   * @param value the text or the element; null takes it away.
   * @param key the prefix that the element gets; `uri` its namespace. Both are needed for an element, and null else.
   *
   * Class "unsupported" where daemon or client library is older than 9.7.
   *
   * @example
   * ```ts
   * await connection.networks.setMetadata({ name: "dev" }, "element", "<record rack='r1'/>", "inv", "urn:x-inventory", "both");
   * ```
   */
  setMetadata(
    ref: Ref,
    type: MetadataType,
    value: string | null,
    key: string | null,
    uri: string | null,
    affect: Affect,
  ): Promise<void>;
  /** Addresses given out by DHCP, all or those of one MAC; [] for a network without DHCP or one that does not run (virNetworkGetDHCPLeases). */
  leases(ref: Ref, mac?: string): Promise<Lease[]>;
  /** Which NICs use the network (virNetworkListAllPorts). Class "invalid-state" when it does not run. */
  ports(ref: Ref): Promise<NetworkPort[]>;
  /** Name of the network's bridge on the host (virNetworkGetBridgeName). Class "internal" for one that has none, such as macvtap. */
  bridgeName(ref: Ref): Promise<string>;
}
