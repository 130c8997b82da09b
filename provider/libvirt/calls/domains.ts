/** What may be asked about libvirt's domains, the VMs: the type of `connection.domains`. */
import type { Affect, Ref } from "./common.js";

/** One VM as seen in a listing. */
export interface DomainInfo {
  name: string;
  uuid: string;
  active: boolean;
  persistent: boolean;
  /** virDomainState: 1 running, 3 paused, 5 shut off … */
  state: number;
  /** The stored definition. */
  inactiveXml?: string;
  liveXml?: string;
  /** Of one that runs and is not stored: the running definition without what libvirt adds while it runs. */
  ownXml?: string;
}

/** A NIC of a VM, with the addresses that are known of it. */
export interface InterfaceAddresses {
  /** The NIC's name on the host; with source "agent", the name in the guest. */
  name: string;
  mac?: string;
  addresses: { type: "ipv4" | "ipv6"; address: string; prefix: number }[];
}

/** virDomainJobType: "bounded" knows its end, "unbounded" does not; the last three are those of a job that has just ended. */
export type JobType = "none" | "bounded" | "unbounded" | "completed" | "failed" | "cancelled";

/** What a job does (virDomainJobOperation); "unknown" also for one that this does not name. */
export type JobOperation =
  | "unknown"
  | "start"
  | "save"
  | "restore"
  | "migration-in"
  | "migration-out"
  | "snapshot"
  | "snapshot-revert"
  | "dump"
  | "backup"
  | "snapshot-delete";

/** How far a job is, in bytes; an unbounded one may still get more to do than `total`. */
export interface JobProgress {
  total: number;
  processed: number;
  remaining: number;
}

/** The job that a VM is busy with: a migration, a save, a dump, a backup. */
export interface JobInfo {
  type: JobType;
  /** In ms. */
  timeElapsed: number;
  /** In ms, an estimate; 0 unless the type is "bounded". */
  timeRemaining: number;
  /** The whole job. */
  data: JobProgress;
  /** What of it is the guest's memory. */
  memory: JobProgress;
  /** What of it are the guest's disks. */
  file: JobProgress;
}

/**
 * Calls on domains. One on a domain that there is not rejects with class "not-found", where nothing else is said; one that the
 * host's driver lacks with "unsupported"; one that waited in vain for a job of the VM (30 s, as long as the deadline is by default) with "busy".
 */
export interface Domains {
  /**
   * All domains, or those that run (or do not), in libvirt's order (virConnectListAllDomains).
   *
   * @param options `active`: only those that run, or only those that do not; default: all. `has`: only those with a managed save, or
   *   with snapshots. `xml: false` leaves out the definitions, which cost one or two calls a domain.
   */
  list(options?: { xml?: boolean; active?: boolean; has?: "managed-save" | "snapshots" }): Promise<DomainInfo[]>;
  /** One domain; undefined when it does not exist, any other failure rejects (virDomainLookupByUUIDString or ByName, virDomainGetXMLDesc). */
  get(ref: Ref): Promise<DomainInfo | undefined>;
  /** Store a domain, or change the stored definition of the one with the same name and UUID; it does not start (virDomainDefineXML). Class "invalid-input" for XML that cannot be one, "exists" where the name is another's. */
  define(xml: string): Promise<{ name: string; uuid: string }>;
  /** Start a domain that is not stored: it is gone once it stops (virDomainCreateXML). Errors as for {@link define}. */
  createXml(xml: string): Promise<{ name: string; uuid: string }>;
  /** Start a stored domain (virDomainCreate). Class "invalid-state" when it runs; "internal" when the emulator refuses, with its words as text. */
  start(ref: Ref): Promise<void>;
  /** Stop a domain at once, as by pulling the plug; its stored definition stays (virDomainDestroy). Class "invalid-state" when it does not run. */
  destroy(ref: Ref): Promise<void>;
  /** Delete the stored definition; a domain that runs becomes transient (virDomainUndefine). Class "invalid-state" for a transient one, and for one with a saved state, snapshots or NVRAM. */
  undefine(ref: Ref): Promise<void>;
  /**
   * Plug a device in; into the stored definition, the running domain, or both (virDomainAttachDeviceFlags).
   *
   * Class "invalid-state" for "live" on a domain that does not run; "invalid-input" or "unsupported" for a device that cannot be plugged
   * while it runs; "internal" where no slot is free. A second NIC with the same MAC is no error.
   *
   * @example
   * ```ts
   * await connection.domains.attachDevice({ name: "web" }, "<interface type='network'><source network='dev'/><model type='virtio'/></interface>", "both");
   * ```
   */
  attachDevice(ref: Ref, xml: string, affect: Affect): Promise<void>;
  /**
   * Change a device in place (virDomainUpdateDeviceFlags).
   *
   * The XML is the whole device as {@link get} shows it, with the change in it: what it lacks counts as taken away. Class "not-found"
   * where there is no such device; "unsupported" for a change that only another device can bring.
   */
  updateDevice(ref: Ref, xml: string, affect: Affect): Promise<void>;
  /**
   * Unplug the device that the XML describes; a NIC is found by its MAC (virDomainDetachDeviceFlags).
   *
   * While the domain runs, the guest is only asked: the event "device-removed" says when it is out. Class "not-found" where there is
   * no such device; "invalid-state" where several fit.
   */
  detachDevice(ref: Ref, xml: string, affect: Affect): Promise<void>;
  /** {@link detachDevice}, by the device's alias: libvirt's own ("net0", live only), or the user's ("ua-…") (virDomainDetachDeviceAlias). Where there is none the class is "internal". */
  detachDeviceAlias(ref: Ref, alias: string, affect: Affect): Promise<void>;
  /**
   * Addresses of a domain's NICs (virDomainInterfaceAddresses).
   *
   * @param source "lease": from DHCP of libvirt's networks; "agent": from the guest's agent, loopback too; "arp": from the host's
   *   neighbour table. Class "invalid-state" when the domain does not run; for "agent" class "unsupported" where the domain has no
   *   channel for one, "busy" (code 86) where none answers.
   * @param options.withinMs a shorter deadline than the connection's, which ends with it as with any that is missed: libvirt waits
   *   without end for an agent that has answered before and hangs now (qemuAgentCommand, qemu/qemu_agent.c).
   */
  interfaceAddresses(
    ref: Ref,
    source: "lease" | "agent" | "arp",
    options?: { withinMs?: number },
  ): Promise<InterfaceAddresses[]>;
  /**
   * The job that the domain is busy with, and how far it is (virDomainGetJobInfo); type "none" and all 0 where there is none.
   *
   * Class "invalid-state" when the domain does not run.
   *
   * @example
   * ```ts
   * const { type, memory } = await connection.domains.jobInfo({ name: "web" });
   * if (type !== "none") console.log(`${memory.processed} of ${memory.total} bytes`);
   * ```
   */
  jobInfo(ref: Ref): Promise<JobInfo>;
  /** Only the type of {@link jobInfo}, as libvirt's number: 0 none, 1 bounded, 2 unbounded (virDomainJobType). */
  jobType(ref: Ref): Promise<number>;
  /**
   * What the job does that the domain is busy with; undefined where there is none (virDomainGetJobStats).
   *
   * Class "invalid-state" when the domain does not run.
   *
   * @example
   * ```ts
   * // Beside a backup libvirt lets a domain be changed.
   * const held = (await connection.domains.jobOperation({ name: "web" })) === "migration-out";
   * ```
   */
  jobOperation(ref: Ref): Promise<JobOperation | undefined>;
  /** Pause a running domain: its processors stop, its memory stays (virDomainSuspend). Class "invalid-state" when it does not run. */
  suspend(ref: Ref): Promise<void>;
  /** Let a paused domain run on (virDomainResume). Class "invalid-state" when it does not run, or is not paused. */
  resume(ref: Ref): Promise<void>;
}
