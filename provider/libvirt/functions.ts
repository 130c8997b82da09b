/**
 * Every C function of libvirt that this room calls: name → [result, arguments].
 *
 * The words are those of {@link Values}; TypeScript derives each function's type from its row, `load.ts` its koffi type.
 * A function newer than libvirt 7.2 may be missing from the client library: it is bound at its first call, so a row here
 * never keeps the library from loading (see `since`).
 */

declare const kind: unique symbol;
type Handle<K extends string> = bigint & { [kind]?: K };
export type Conn = Handle<"conn">;
export type Net = Handle<"net">;
export type Dom = Handle<"dom">;
export type Iface = Handle<"iface">;
export type Port = Handle<"port">;

/** The words of the table, and what JavaScript passes or gets for them. */
export interface Values {
  conn: Conn;
  net: Net;
  dom: Dom;
  iface: Iface;
  port: Port;
  /** char* owned by libvirt. */
  str: string | null;
  /** char* the caller must free: koffi frees it once it is a string. */
  heap: string;
  int: number;
  uint: number;
  /** Any other pointer. */
  ptr: bigint | null;
  /** Memory that the C function fills. */
  buf: Uint8Array;
  outInt: [number];
  outLong: [number | bigint];
  outPtr: [bigint | null];
  void: undefined;
}
export type Word = keyof Values;
type Row = readonly [result: Word, args: readonly Word[]];

export const functions = {
  // library
  virInitialize: ["int", []],
  virGetVersion: ["int", ["outLong", "ptr", "ptr"]],
  virGetLastError: ["ptr", []],
  virSetErrorFunc: ["void", ["ptr", "ptr"]],
  virEventRegisterDefaultImpl: ["int", []],
  virEventRunDefaultImpl: ["int", []],
  virEventAddTimeout: ["int", ["int", "ptr", "ptr", "ptr"]],
  virEventUpdateTimeout: ["void", ["int", "int"]],

  // connection
  virConnectOpen: ["conn", ["str"]],
  virConnectOpenReadOnly: ["conn", ["str"]],
  virConnectClose: ["int", ["conn"]],
  virConnectIsAlive: ["int", ["conn"]],
  virConnectSetKeepAlive: ["int", ["conn", "int", "uint"]],
  virConnectGetType: ["str", ["conn"]],
  virConnectGetLibVersion: ["int", ["conn", "outLong"]],
  virConnectGetHostname: ["heap", ["conn"]],
  virConnectGetURI: ["heap", ["conn"]],
  virConnectGetCapabilities: ["heap", ["conn"]],
  virConnectRegisterCloseCallback: ["int", ["conn", "ptr", "ptr", "ptr"]],
  virConnectUnregisterCloseCallback: ["int", ["conn", "ptr"]],
  virConnectNetworkEventRegisterAny: ["int", ["conn", "ptr", "int", "ptr", "ptr", "ptr"]],
  virConnectNetworkEventDeregisterAny: ["int", ["conn", "int"]],
  virConnectDomainEventRegisterAny: ["int", ["conn", "ptr", "int", "ptr", "ptr", "ptr"]],
  virConnectDomainEventDeregisterAny: ["int", ["conn", "int"]],

  // network
  virConnectListAllNetworks: ["int", ["conn", "outPtr", "uint"]],
  virNetworkLookupByName: ["net", ["conn", "str"]],
  virNetworkLookupByUUIDString: ["net", ["conn", "str"]],
  virNetworkFree: ["int", ["net"]],
  virNetworkGetName: ["str", ["net"]],
  virNetworkGetUUIDString: ["int", ["net", "buf"]],
  virNetworkIsActive: ["int", ["net"]],
  virNetworkIsPersistent: ["int", ["net"]],
  virNetworkGetAutostart: ["int", ["net", "outInt"]],
  virNetworkSetAutostart: ["int", ["net", "int"]],
  virNetworkGetXMLDesc: ["heap", ["net", "uint"]],
  virNetworkGetBridgeName: ["heap", ["net"]],
  virNetworkDefineXML: ["net", ["conn", "str"]],
  virNetworkDefineXMLFlags: ["net", ["conn", "str", "uint"]],
  virNetworkCreateXML: ["net", ["conn", "str"]],
  virNetworkCreate: ["int", ["net"]],
  virNetworkDestroy: ["int", ["net"]],
  virNetworkUndefine: ["int", ["net"]],
  /** (command, section), as in the header: the client library sorts out what an old daemon expects. */
  virNetworkUpdate: ["int", ["net", "uint", "uint", "int", "str", "uint"]],
  virNetworkGetMetadata: ["heap", ["net", "int", "str", "uint"]],
  virNetworkSetMetadata: ["int", ["net", "int", "str", "str", "str", "uint"]],
  virNetworkGetDHCPLeases: ["int", ["net", "str", "outPtr", "uint"]],
  virNetworkDHCPLeaseFree: ["void", ["ptr"]],
  virNetworkListAllPorts: ["int", ["net", "outPtr", "uint"]],
  virNetworkPortGetXMLDesc: ["heap", ["port", "uint"]],
  virNetworkPortGetUUIDString: ["int", ["port", "buf"]],
  virNetworkPortFree: ["int", ["port"]],

  // domain
  virConnectListAllDomains: ["int", ["conn", "outPtr", "uint"]],
  virDomainLookupByName: ["dom", ["conn", "str"]],
  virDomainLookupByUUIDString: ["dom", ["conn", "str"]],
  virDomainFree: ["int", ["dom"]],
  virDomainGetName: ["str", ["dom"]],
  virDomainGetUUIDString: ["int", ["dom", "buf"]],
  virDomainIsActive: ["int", ["dom"]],
  virDomainIsPersistent: ["int", ["dom"]],
  virDomainGetState: ["int", ["dom", "outInt", "outInt", "uint"]],
  virDomainGetXMLDesc: ["heap", ["dom", "uint"]],
  virDomainDefineXML: ["dom", ["conn", "str"]],
  virDomainCreateXML: ["dom", ["conn", "str", "uint"]],
  virDomainCreate: ["int", ["dom"]],
  virDomainDestroy: ["int", ["dom"]],
  virDomainUndefine: ["int", ["dom"]],
  virDomainSuspend: ["int", ["dom"]],
  virDomainResume: ["int", ["dom"]],
  virDomainAttachDeviceFlags: ["int", ["dom", "str", "uint"]],
  virDomainUpdateDeviceFlags: ["int", ["dom", "str", "uint"]],
  virDomainDetachDeviceFlags: ["int", ["dom", "str", "uint"]],
  virDomainDetachDeviceAlias: ["int", ["dom", "str", "uint"]],
  virDomainInterfaceAddresses: ["int", ["dom", "outPtr", "uint", "uint"]],
  virDomainInterfaceFree: ["void", ["ptr"]],
  virDomainGetJobInfo: ["int", ["dom", "buf"]],
  virDomainGetJobStats: ["int", ["dom", "outInt", "outPtr", "outInt", "uint"]],
  virTypedParamsGetInt: ["int", ["ptr", "int", "str", "outInt"]],
  virTypedParamsFree: ["void", ["ptr", "int"]],

  // host interface
  virConnectListAllInterfaces: ["int", ["conn", "outPtr", "uint"]],
  virInterfaceLookupByName: ["iface", ["conn", "str"]],
  virInterfaceFree: ["int", ["iface"]],
  virInterfaceGetName: ["str", ["iface"]],
  virInterfaceGetMACString: ["str", ["iface"]],
  virInterfaceIsActive: ["int", ["iface"]],
  virInterfaceGetXMLDesc: ["heap", ["iface", "uint"]],
  virInterfaceDefineXML: ["iface", ["conn", "str", "uint"]],
  virInterfaceUndefine: ["int", ["iface"]],
  virInterfaceCreate: ["int", ["iface", "uint"]],
  virInterfaceDestroy: ["int", ["iface", "uint"]],
  virInterfaceChangeBegin: ["int", ["conn", "uint"]],
  virInterfaceChangeCommit: ["int", ["conn", "uint"]],
  virInterfaceChangeRollback: ["int", ["conn", "uint"]],
} as const satisfies Record<string, Row>;

export type FunctionName = keyof typeof functions;

type Args<A extends readonly Word[]> = { -readonly [I in keyof A]: Values[A[I]] };
type Result<W extends Word> = W extends "conn" | "net" | "dom" | "iface" | "port" | "heap"
  ? Values[W] | null
  : Values[W];
/** The JavaScript type of each function of the table. */
export type Functions = {
  [K in FunctionName]: (...args: Args<(typeof functions)[K][1]>) => Result<(typeof functions)[K][0]>;
};

/** Functions younger than 7.2, the oldest client library that we accept: the release that brought them. */
export const since: Partial<Record<FunctionName, string>> = {
  virNetworkDefineXMLFlags: "7.7",
  virNetworkGetMetadata: "9.7",
  virNetworkSetMetadata: "9.7",
};

/** Functions that change something on the host: the calls that the fault hook counts. */
export const changing: ReadonlySet<FunctionName> = new Set<FunctionName>([
  "virNetworkSetAutostart",
  "virNetworkDefineXML",
  "virNetworkDefineXMLFlags",
  "virNetworkCreateXML",
  "virNetworkCreate",
  "virNetworkDestroy",
  "virNetworkUndefine",
  "virNetworkUpdate",
  "virNetworkSetMetadata",
  "virDomainDefineXML",
  "virDomainCreateXML",
  "virDomainCreate",
  "virDomainDestroy",
  "virDomainUndefine",
  "virDomainSuspend",
  "virDomainResume",
  "virDomainAttachDeviceFlags",
  "virDomainUpdateDeviceFlags",
  "virDomainDetachDeviceFlags",
  "virDomainDetachDeviceAlias",
  "virInterfaceDefineXML",
  "virInterfaceUndefine",
  "virInterfaceCreate",
  "virInterfaceDestroy",
  "virInterfaceChangeBegin",
  "virInterfaceChangeCommit",
  "virInterfaceChangeRollback",
]);
