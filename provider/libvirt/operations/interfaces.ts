/** The host interface calls of a connection, on the worker's thread. On current distributions the driver only reads (class "unsupported" else). */
import { code, LibvirtError } from "../errors.js";
import type { Iface } from "../functions.js";
import { type Native, unlessGone } from "../native.js";
import type { Implementation } from "../protocol.js";

export const interfaces: Implementation<"interfaces"> = {
  list: (n) =>
    n.withList(
      (out) => n.call("virConnectListAllInterfaces", n.conn, out, 0),
      "virInterfaceFree",
      (handles: Iface[]) => handles.flatMap((iface) => unlessGone(code.noInterface, () => read(n, iface)) ?? []),
    ),
  get: (n, name) => unlessGone(code.noInterface, () => n.withInterface(name, (iface) => read(n, iface))),
  definition: (n, name) => unlessGone(code.noInterface, () => n.withInterface(name, (iface) => inactive(n, iface))),
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

/** VIR_INTERFACE_XML_INACTIVE. */
const xmlInactive = 1;

function inactive(n: Native, iface: Iface): string {
  if (n.noInactiveInterfaces) return n.call("virInterfaceGetXMLDesc", iface, 0);
  try {
    return n.call("virInterfaceGetXMLDesc", iface, xmlInactive);
  } catch (e) {
    if (!(e instanceof LibvirtError && e.code === code.invalidArg)) throw e;
    n.noInactiveInterfaces = true;
    return n.call("virInterfaceGetXMLDesc", iface, 0);
  }
}

function read(n: Native, iface: Iface): { name: string; mac: string; active: boolean; xml: string } {
  const xml = n.call("virInterfaceGetXMLDesc", iface, 0);
  return {
    name: n.call("virInterfaceGetName", iface),
    mac: n.call("virInterfaceGetMACString", iface),
    active: n.call("virInterfaceIsActive", iface) === 1,
    xml,
  };
}
