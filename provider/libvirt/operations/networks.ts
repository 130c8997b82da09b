/** The network calls of a connection, on the worker's thread. */
import koffi from "koffi";
import type { Lease, NetworkInfo, NetworkListOptions, NetworkPort, UpdateCommand, UpdateSection } from "../api.js";
import { code, LibvirtError } from "../errors.js";
import type { Net, Port } from "../functions.js";
import { affects, type Native, unlessGone } from "../native.js";
import type { Implementation } from "../protocol.js";

/** virConnectListAllNetworksFlags. */
const listed = {
  active: { true: 1 << 1, false: 1 << 0 },
  persistent: { true: 1 << 2, false: 1 << 3 },
  autostart: { true: 1 << 4, false: 1 << 5 },
} as const;
const xmlInactive = 1;
const defineValidate = 1;
const validateSince = 7_007_000;

/** virNetworkUpdateCommand. */
const commands: Record<UpdateCommand, number> = { modify: 1, delete: 2, "add-last": 3, "add-first": 4 };
/** virNetworkUpdateSection. */
const sections: Record<UpdateSection, number> = {
  bridge: 1,
  domain: 2,
  ip: 3,
  "ip-dhcp-host": 4,
  "ip-dhcp-range": 5,
  forward: 6,
  "forward-interface": 7,
  "forward-pf": 8,
  portgroup: 9,
  "dns-host": 10,
  "dns-txt": 11,
  "dns-srv": 12,
};
/** virNetworkMetadataType. */
const metadataTypes = { description: 0, title: 1, element: 2 } as const;

const lease = koffi.struct({
  iface: "str",
  expirytime: "long long",
  type: "int",
  mac: "str",
  iaid: "str",
  ipaddr: "str",
  prefix: "unsigned int",
  hostname: "str",
  clientid: "str",
});
type CLease = {
  iface: string;
  expirytime: number | bigint;
  type: number;
  mac: string | null;
  iaid: string | null;
  ipaddr: string;
  prefix: number;
  hostname: string | null;
  clientid: string | null;
};

export const networks: Implementation<"networks"> = {
  list(n, options = {}) {
    const which = filterOf("active", options) | filterOf("persistent", options) | filterOf("autostart", options);
    return n.withList(
      (out) => n.call("virConnectListAllNetworks", n.conn, out, which),
      "virNetworkFree",
      (handles: Net[]) => {
        if (handles.length === 0) return [];
        // Three filtered listings cost less than three questions to each network; what is filtered by is known.
        const has = (state: keyof typeof listed): Has => {
          const known = options[state];
          return known === undefined ? uuids(n, which | listed[state].true) : { has: () => known };
        };
        const [active, persistent, autostart] = [has("active"), has("persistent"), has("autostart")];
        const wanted = options.uuids && new Set(options.uuids);
        const stopAt = options.xml === false ? 0 : performance.now() + (options.withinMs ?? Number.POSITIVE_INFINITY);
        return handles.flatMap((net): NetworkInfo[] => {
          const { name, uuid } = identify(n, net);
          if (wanted?.has(uuid) === false) return [];
          const flags = { active: active.has(uuid), persistent: persistent.has(uuid), autostart: autostart.has(uuid) };
          if (!flags.active && !flags.persistent) return []; // gone between the listings
          if (performance.now() >= stopAt) return [{ name, uuid, ...flags, inactiveXml: "" }];
          const xml = unlessGone(code.noNetwork, () => readXml(n, net, flags.active));
          return xml === undefined ? [] : [{ name, uuid, ...flags, ...xml }];
        });
      },
    );
  },

  get(n, ref) {
    return unlessGone(code.noNetwork, () =>
      n.withNetwork(ref, (net): NetworkInfo => {
        const active = n.call("virNetworkIsActive", net) === 1;
        const persistent = n.call("virNetworkIsPersistent", net) === 1;
        const autostart: [number] = [0];
        if (persistent) n.call("virNetworkGetAutostart", net, autostart); // a transient one has none to ask for
        return { ...identify(n, net), active, persistent, autostart: autostart[0] === 1, ...readXml(n, net, active) };
      }),
    );
  },

  xml: (n, ref) =>
    unlessGone(code.noNetwork, () => n.withNetwork(ref, (net) => n.call("virNetworkGetXMLDesc", net, 0))),

  define(n, xml, options) {
    return n.using(define(n, xml, options?.validate !== false), "virNetworkFree", (net) => identify(n, net));
  },
  createXml: (n, xml) =>
    n.using(n.call("virNetworkCreateXML", n.conn, xml), "virNetworkFree", (net) => identify(n, net)),
  start: (n, ref) =>
    n.withNetwork(ref, (net) => {
      n.call("virNetworkCreate", net);
    }),
  destroy: (n, ref) =>
    n.withNetwork(ref, (net) => {
      n.call("virNetworkDestroy", net);
    }),
  undefine: (n, ref) =>
    n.withNetwork(ref, (net) => {
      n.call("virNetworkUndefine", net);
    }),
  setAutostart: (n, ref, on) =>
    n.withNetwork(ref, (net) => {
      n.call("virNetworkSetAutostart", net, on ? 1 : 0);
    }),

  update: (n, ref, command, section, parentIndex, xml, affect) =>
    n.withNetwork(ref, (net) => {
      n.call("virNetworkUpdate", net, commands[command], sections[section], parentIndex, xml, affects[affect]);
    }),

  getMetadata: (n, ref, type, uri, affect) => {
    n.library.bind("virNetworkGetMetadata");
    return n.withNetwork(ref, (net) =>
      unlessGone(code.noNetworkMetadata, () =>
        n.call("virNetworkGetMetadata", net, metadataTypes[type], uri, affect === undefined ? 0 : affects[affect]),
      ),
    );
  },

  setMetadata: (n, ref, type, value, key, uri, affect) => {
    n.library.bind("virNetworkSetMetadata"); // says so before anything is asked, where the client library is too old
    n.withNetwork(ref, (net) => {
      n.call("virNetworkSetMetadata", net, metadataTypes[type], value, key, uri, affects[affect]);
    });
  },

  leases: (n, ref, mac) =>
    n.withNetwork(ref, (net) =>
      n.withList(
        (out) => n.call("virNetworkGetDHCPLeases", net, mac ?? null, out, 0),
        "virNetworkDHCPLeaseFree",
        (pointers) => pointers.map(toLease),
      ),
    ),

  ports: (n, ref) =>
    n.withNetwork(ref, (net) =>
      n.withList(
        (out) => n.call("virNetworkListAllPorts", net, out, 0),
        "virNetworkPortFree",
        (ports: Port[]) => ports.flatMap((port) => unlessGone(code.noNetworkPort, () => toPort(n, port)) ?? []),
      ),
    ),

  bridgeName: (n, ref) => n.withNetwork(ref, (net) => n.call("virNetworkGetBridgeName", net)),
};

function identify(n: Native, net: Net): { name: string; uuid: string } {
  return { name: n.call("virNetworkGetName", net), uuid: n.uuid("virNetworkGetUUIDString", net) };
}

/** A set of UUIDs, or the answer for any. */
type Has = { has(uuid: string): boolean };

function filterOf(state: keyof typeof listed, options: NetworkListOptions): number {
  const wanted = options[state];
  return wanted === undefined ? 0 : listed[state][`${wanted}`];
}

function uuids(n: Native, flags: number): Set<string> {
  return n.withList(
    (out) => n.call("virConnectListAllNetworks", n.conn, out, flags),
    "virNetworkFree",
    (handles: Net[]) => new Set(handles.map((net) => n.uuid("virNetworkGetUUIDString", net))),
  );
}

function readXml(n: Native, net: Net, active: boolean): { inactiveXml: string; liveXml?: string } {
  const inactiveXml = inactive(n, net);
  if (!active) return { inactiveXml };
  try {
    return { inactiveXml, liveXml: n.noInactiveFlag ? inactiveXml : n.call("virNetworkGetXMLDesc", net, 0) };
  } catch (e) {
    if (e instanceof LibvirtError && e.code === code.operationInvalid) return { inactiveXml }; // stopped between the calls
    throw e;
  }
}

function inactive(n: Native, net: Net): string {
  if (n.noInactiveFlag) return n.call("virNetworkGetXMLDesc", net, 0);
  try {
    return n.call("virNetworkGetXMLDesc", net, xmlInactive);
  } catch (e) {
    if (!(e instanceof LibvirtError && e.code === code.invalidArg)) throw e;
    n.noInactiveFlag = true;
    return n.call("virNetworkGetXMLDesc", net, 0);
  }
}

function define(n: Native, xml: string, validate: boolean): Net {
  if (validate && n.daemonVersion >= validateSince && n.library.has("virNetworkDefineXMLFlags")) {
    try {
      return n.call("virNetworkDefineXMLFlags", n.conn, xml, defineValidate);
    } catch (e) {
      // The test driver reads the schema from this machine, where only the client library may be installed.
      if (n.driver !== "TEST" || !(e instanceof LibvirtError) || e.code !== code.internal) throw e;
    }
  }
  return n.call("virNetworkDefineXML", n.conn, xml);
}

function toLease(pointer: bigint): Lease {
  const c = koffi.decode(pointer, lease) as CLease;
  return {
    iface: c.iface,
    expiryTime: Number(c.expirytime),
    type: c.type === 1 ? "ipv6" : "ipv4",
    address: c.ipaddr,
    prefix: c.prefix,
    ...(c.mac !== null && { mac: c.mac }),
    ...(c.iaid !== null && { iaid: c.iaid }),
    ...(c.hostname !== null && { hostname: c.hostname }),
    ...(c.clientid !== null && { clientId: c.clientid }),
  };
}

function toPort(n: Native, port: Port): NetworkPort {
  const xml = n.call("virNetworkPortGetXMLDesc", port, 0);
  const owner = /<owner>([\s\S]*?)<\/owner>/.exec(xml)?.[1] ?? "";
  return {
    uuid: n.uuid("virNetworkPortGetUUIDString", port),
    ownerUuid: /<uuid>(.*?)<\/uuid>/.exec(owner)?.[1] ?? "",
    ownerName: unescapeXml(/<name>(.*?)<\/name>/.exec(owner)?.[1] ?? ""),
    mac: /<mac address=['"](.*?)['"]/.exec(xml)?.[1] ?? "",
    xml,
  };
}

function unescapeXml(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
