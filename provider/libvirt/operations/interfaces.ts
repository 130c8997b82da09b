/** The host interface calls of a connection, on the worker's thread. On current distributions the driver only reads (class "unsupported" else). */
import type { InterfaceInfo } from "../api.js";
import { code, LibvirtError } from "../errors.js";
import type { Iface } from "../functions.js";
import { type Native, unlessGone } from "../native.js";
import type { Implementation } from "../protocol.js";

/** virConnectListAllInterfacesFlags. */
const listed = { inactive: 1 << 0, active: 1 << 1 } as const;
const xmlInactive = 1;

export const interfaces: Implementation<"interfaces"> = {
  list: (n, options = {}) => {
    const which = options.active === undefined ? 0 : options.active ? listed.active : listed.inactive;
    return n.withList(
      (out) => n.call("virConnectListAllInterfaces", n.conn, out, which),
      "virInterfaceFree",
      (handles: Iface[]) =>
        handles.flatMap((iface) => unlessGone(code.noInterface, () => read(n, iface, options.inactive)) ?? []),
    );
  },
  get: (n, name, options) =>
    unlessGone(code.noInterface, () => n.withInterface(name, (iface) => read(n, iface, options?.inactive))),
  define: (n, xml) => n.using(n.call("virInterfaceDefineXML", n.conn, xml, 0), "virInterfaceFree", () => undefined),
  undefine: (n, name) =>
    n.withInterface(name, (iface) => {
      n.call("virInterfaceUndefine", iface);
    }),
  start: (n, name) =>
    n.withInterface(name, (iface) => {
      n.call("virInterfaceCreate", iface, 0);
    }),
  destroy: (n, name) =>
    n.withInterface(name, (iface) => {
      n.call("virInterfaceDestroy", iface, 0);
    }),
  changeBegin: (n) => {
    n.call("virInterfaceChangeBegin", n.conn, 0);
  },
  changeCommit: (n) => {
    n.call("virInterfaceChangeCommit", n.conn, 0);
  },
  changeRollback: (n) => {
    n.call("virInterfaceChangeRollback", n.conn, 0);
  },
};

function read(n: Native, iface: Iface, inactive = false): InterfaceInfo {
  const xml = n.call("virInterfaceGetXMLDesc", iface, 0);
  const stored = inactive ? storedXml(n, iface) : undefined;
  return {
    name: n.call("virInterfaceGetName", iface),
    mac: n.call("virInterfaceGetMACString", iface),
    active: n.call("virInterfaceIsActive", iface) === 1,
    xml,
    ...(stored !== undefined && { inactiveXml: stored }),
  };
}

function storedXml(n: Native, iface: Iface): string | undefined {
  try {
    return n.call("virInterfaceGetXMLDesc", iface, xmlInactive);
  } catch (e) {
    if (e instanceof LibvirtError && e.class === "unsupported") return undefined; // this driver refuses the flag
    throw e;
  }
}
