/**
 * libvirt's C API for Node, without a native build: npm subpath `pulumi-virtnet/libvirt`.
 *
 * Needs libvirt's client library 7.2 or newer (`libvirt0` or `libvirt-libs`; another file can be named in `VIRTNET_LIBVIRT`).
 * Calls never block the event loop, never wait longer than a deadline, and fail with a {@link LibvirtError}. An open connection
 * does not keep the process alive. Credentials are not asked for: an URI that needs a password fails with class "auth".
 *
 * @example
 * ```ts
 * import { open, LibvirtError } from "pulumi-virtnet/libvirt";
 *
 * const connection = await open("qemu:///system", { deadlineMs: 10_000 });
 * for (const network of await connection.networks.list({ xml: false })) console.log(network.name, network.active);
 * await connection.close();
 * ```
 */
import type { Connection, OpenOptions, Pool } from "./api.js";
import { openConnection } from "./connection.js";
import { ConnectionPool, type PoolOptions } from "./pool.js";

export type {
  Affect,
  Borrowed,
  Connection,
  DomainInfo,
  Domains,
  ErrorClass,
  HostIdentity,
  InterfaceAddresses,
  InterfaceInfo,
  Interfaces,
  JobInfo,
  JobOperation,
  JobProgress,
  JobType,
  Lease,
  LibvirtEvent,
  MetadataType,
  NetworkInfo,
  NetworkListOptions,
  NetworkPort,
  Networks,
  OpenOptions,
  Pool,
  Ref,
  UpdateCommand,
  UpdateSection,
  UseOptions,
} from "./api.js";
export type { ErrorData } from "./errors.js";
export { LibvirtError } from "./errors.js";
export type { PoolOptions } from "./pool.js";
export { forgetDeadHosts } from "./pool.js";

/**
 * Open one connection, with a thread of its own; its calls run one after the other.
 *
 * @param uri libvirt's URI, as `virsh -c` takes it.
 * @param options deadline of each call (default 30000 ms), keepalive (default: every 5 s, 3 unanswered), read-only (default false).
 * @throws LibvirtError class "transport" where the host cannot be reached, "timeout" where it does not answer, "auth" where it refuses,
 *   "unsupported" where the client library is missing or too old (the text says what to install), "invalid-input" for a deadline that is none.
 *
 * @example
 * ```ts
 * const connection = await open("test:///default");
 * const off = await connection.onEvent((e) => console.log(e.kind, e.object?.name, e.event));
 * await connection.networks.destroy({ name: "default" });
 * await off();
 * await connection.close();
 * ```
 */
export function open(uri: string, options?: OpenOptions): Promise<Connection> {
  return openConnection(uri, options);
}

/**
 * Up to `size` connections (default 4) to one URI, opened as they are needed; one that breaks is replaced.
 *
 * A host that did not answer is not tried again by any pool of this process ({@link forgetDeadHosts}).
 *
 * @throws LibvirtError class "invalid-input" for a size or deadline that is none.
 *
 * @example
 * ```ts
 * const pool = openPool("qemu:///system");
 * await Promise.all(["a", "b"].map((name) => pool.use((c) => c.networks.start({ name }), { key: name })));
 * await pool.close();
 * ```
 */
export function openPool(uri: string, options?: PoolOptions): Pool {
  return new ConnectionPool(uri, options);
}
