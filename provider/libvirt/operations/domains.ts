/** The domain calls of a connection, on the worker's thread. */
import koffi from "koffi";
import type { DomainInfo, JobOperation, JobProgress, JobType, Ref } from "../api.js";
import { code } from "../errors.js";
import type { Dom } from "../functions.js";
import { affects, decodeArray, type Native, unlessGone } from "../native.js";
import type { Implementation } from "../protocol.js";

/** virConnectListAllDomainsFlags. */
const listed = {
  active: 1 << 0,
  inactive: 1 << 1,
  persistent: 1 << 2,
  running: 1 << 4,
  paused: 1 << 5,
  shutoff: 1 << 6,
  "managed-save": 1 << 8,
  snapshots: 1 << 12,
} as const;
/** virDomainState. */
const state = { running: 1, paused: 3, shutoff: 5 } as const;
const xmlInactive = 1 << 1;
/** virDomainInterfaceAddressesSource. */
const sources = { lease: 0, agent: 1, arp: 2 } as const;
/** A virDomainJobInfo (96 bytes, room for one that grew), of which libvirt fills all: an int, then eleven numbers of 64 bits. */
const jobInfo = new Uint8Array(256);
const jobNumbers = new BigUint64Array(jobInfo.buffer);
/** virDomainJobType. */
const jobTypes: JobType[] = ["none", "bounded", "unbounded", "completed", "failed", "cancelled"];
/** virDomainJobOperation. */
const jobOperations: JobOperation[] = [
  "unknown",
  "start",
  "save",
  "restore",
  "migration-in",
  "migration-out",
  "snapshot",
  "snapshot-revert",
  "dump",
  "backup",
  "snapshot-delete",
];

const addressStruct = koffi.struct({ type: "int", addr: "str", prefix: "unsigned int" });
const interfaceStruct = koffi.struct({ name: "str", hwaddr: "str", naddrs: "unsigned int", addrs: "void *" });
type CInterface = { name: string; hwaddr: string | null; naddrs: number; addrs: bigint | null };
type CAddress = { type: number; addr: string; prefix: number };

export const domains: Implementation<"domains"> = {
  list(n, options) {
    const { active, has, xml = true } = options ?? {};
    const running = active === undefined ? 0 : active ? listed.active : listed.inactive;
    const which = running | (has === undefined ? 0 : listed[has]);
    return n.withList(
      (out) => n.call("virConnectListAllDomains", n.conn, out, which),
      "virDomainFree",
      (handles: Dom[]) => {
        if (handles.length === 0) return [];
        // Filtered listings cost less than questions to each domain.
        const persistent = uuids(n, which | listed.persistent);
        const states = new Map<string, number>();
        for (const s of ["running", "paused", "shutoff"] as const)
          for (const uuid of uuids(n, which | listed[s])) states.set(uuid, state[s]);
        const result: DomainInfo[] = [];
        for (const dom of handles) {
          const info = unlessGone(code.noDomain, () => {
            const { name, uuid } = identify(n, dom);
            const now = states.get(uuid) ?? getState(n, dom);
            const base = { name, uuid, active: isActive(n, dom, now), persistent: persistent.has(uuid), state: now };
            return !xml ? base : { ...base, ...readXml(n, dom, base.active, base.persistent) };
          });
          if (info !== undefined) result.push(info);
        }
        return result;
      },
    );
  },

  get(n, ref) {
    return unlessGone(code.noDomain, () =>
      n.withDomain(ref, (dom): DomainInfo => {
        const now = getState(n, dom);
        const active = isActive(n, dom, now);
        const persistent = n.call("virDomainIsPersistent", dom) === 1;
        return { ...identify(n, dom), active, persistent, state: now, ...readXml(n, dom, active, persistent) };
      }),
    );
  },

  define: (n, xml) => n.using(n.call("virDomainDefineXML", n.conn, xml), "virDomainFree", (dom) => identify(n, dom)),
  createXml: (n, xml) =>
    n.using(n.call("virDomainCreateXML", n.conn, xml, 0), "virDomainFree", (dom) => identify(n, dom)),
  start: (n, ref) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainCreate", dom);
    }),
  destroy: (n, ref) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainDestroy", dom);
    }),
  undefine: (n, ref) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainUndefine", dom);
    }),
  suspend: (n, ref) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainSuspend", dom);
    }),
  resume: (n, ref) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainResume", dom);
    }),

  attachDevice: (n, ref, xml, affect) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainAttachDeviceFlags", dom, xml, affects[affect]);
    }),
  updateDevice: (n, ref, xml, affect) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainUpdateDeviceFlags", dom, xml, affects[affect]);
    }),
  detachDevice: (n, ref, xml, affect) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainDetachDeviceFlags", dom, xml, affects[affect]);
    }),
  detachDeviceAlias: (n, ref, alias, affect) =>
    n.withDomain(ref, (dom) => {
      n.call("virDomainDetachDeviceAlias", dom, alias, affects[affect]);
    }),

  interfaceAddresses: (n, ref, source) =>
    n.withDomain(ref, (dom) =>
      n.withList(
        (out) => n.call("virDomainInterfaceAddresses", dom, out, sources[source], 0),
        "virDomainInterfaceFree",
        (pointers) =>
          pointers.map((pointer) => {
            const c = koffi.decode(pointer, interfaceStruct) as CInterface;
            const addresses = c.addrs === null ? [] : decodeArray<CAddress>(c.addrs, addressStruct, c.naddrs);
            return {
              name: c.name,
              ...(c.hwaddr !== null && { mac: c.hwaddr }),
              addresses: addresses.map((a) => ({
                type: a.type === 1 ? ("ipv6" as const) : ("ipv4" as const),
                address: a.addr,
                prefix: a.prefix,
              })),
            };
          }),
      ),
    ),

  jobInfo: (n, ref) => {
    const type = jobTypes[readJob(n, ref)] ?? "none";
    return {
      type,
      timeElapsed: jobNumber(1),
      timeRemaining: jobNumber(2),
      data: jobProgress(3),
      memory: jobProgress(6),
      file: jobProgress(9),
    };
  },
  jobType: (n, ref) => readJob(n, ref),
  jobOperation: (n, ref) =>
    n.withDomain(ref, (dom) => {
      const [type, params, count, operation]: [[number], [bigint | null], [number], [number]] = [[0], [null], [0], [0]];
      n.call("virDomainGetJobStats", dom, type, params, count, 0);
      try {
        if (type[0] === 0) return undefined;
        // Leaves 0 where it is not told.
        n.call("virTypedParamsGetInt", params[0], count[0], "operation", operation);
        return jobOperations[operation[0]] ?? "unknown";
      } finally {
        n.library.bind("virTypedParamsFree")(params[0], count[0]);
      }
    }),
};

/** Fills `jobInfo`. @returns the job's type. */
function readJob(n: Native, ref: Ref): number {
  n.withDomain(ref, (dom) => n.call("virDomainGetJobInfo", dom, jobInfo));
  return new Int32Array(jobInfo.buffer)[0] ?? 0;
}

const jobNumber = (i: number) => Number(jobNumbers[i]);

function jobProgress(from: number): JobProgress {
  return { total: jobNumber(from), processed: jobNumber(from + 1), remaining: jobNumber(from + 2) };
}

function identify(n: Native, dom: Dom): { name: string; uuid: string } {
  return { name: n.call("virDomainGetName", dom), uuid: n.uuid("virDomainGetUUIDString", dom) };
}

function uuids(n: Native, flags: number): Set<string> {
  return n.withList(
    (out) => n.call("virConnectListAllDomains", n.conn, out, flags),
    "virDomainFree",
    (handles: Dom[]) => new Set(handles.map((dom) => n.uuid("virDomainGetUUIDString", dom))),
  );
}

function getState(n: Native, dom: Dom): number {
  const now: [number] = [0];
  n.call("virDomainGetState", dom, now, [0], 0);
  return now[0];
}

/** Most states tell. */
function isActive(n: Native, dom: Dom, now: number): boolean {
  if (now === state.shutoff) return false;
  return now === state.running || now === state.paused || n.call("virDomainIsActive", dom) === 1;
}

function readXml(
  n: Native,
  dom: Dom,
  active: boolean,
  persistent: boolean,
): { inactiveXml?: string; liveXml?: string; ownXml?: string } {
  return {
    ...(persistent && { inactiveXml: n.call("virDomainGetXMLDesc", dom, xmlInactive) }),
    ...(active && { liveXml: n.call("virDomainGetXMLDesc", dom, 0) }),
    ...(active && !persistent && { ownXml: n.call("virDomainGetXMLDesc", dom, xmlInactive) }),
  };
}
