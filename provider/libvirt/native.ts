/**
 * Calls on the worker's thread: each counted, its failure read from virGetLastError in the same turn, its handles freed in one place.
 */
import koffi from "koffi";
import type { Ref } from "./api.js";
import { classify, LibvirtError } from "./errors.js";
import { faultHook } from "./fault.js";
import type { Conn, Dom, FunctionName, Functions, Iface, Net } from "./functions.js";
import { type Library, load } from "./load.js";

/** What a function returns once failure is ruled out. */
type Checked<K extends FunctionName> =
  | NonNullable<ReturnType<Functions[K]>>
  | (ReturnType<Functions[K]> extends undefined ? undefined : never);

const virError = koffi.struct({
  code: "int",
  domain: "int",
  message: "str",
  level: "int",
  conn: "void *",
  dom: "void *",
  str1: "str",
  str2: "str",
  str3: "str",
  int1: "int",
  int2: "int",
  net: "void *",
});

/** One connection's calls. `conn` is set by open and cleared by close. */
export class Native {
  readonly library: Library = load();
  readonly counts: Record<string, number> = {};
  /** The daemon's version; for the drivers inside the library, the client's. */
  daemonVersion = 0;
  /** virConnectGetType: "QEMU", "Test" … */
  driver = "";
  /** Set once the driver has refused the INACTIVE flag (test driver). */
  noInactiveFlag = false;
  #conn: Conn | null = null;
  readonly #fault: ReturnType<typeof faultHook>;
  readonly #uuid = Buffer.alloc(37);
  #kept: { of: string; dom: Dom } | undefined;

  constructor(faultCounter: Int32Array<SharedArrayBuffer>) {
    this.#fault = faultHook(process.env.VIRTNET_FAULT, faultCounter);
  }

  get conn(): Conn {
    if (this.#conn === null) throw LibvirtError.own("transport", "the connection is closed");
    return this.#conn;
  }
  set conn(conn: Conn | null) {
    this.#conn = conn;
  }
  get isOpen(): boolean {
    return this.#conn !== null;
  }

  /** Call a C function; NULL or a negative number throws the LibvirtError. */
  call<K extends FunctionName>(name: K, ...args: Parameters<Functions[K]>): Checked<K> {
    const f = this.library.bind(name) as (...a: unknown[]) => unknown;
    const after = this.#fault?.(name);
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    const result = f(...args);
    if (result === null || (typeof result === "number" && result < 0)) throw this.#lastError(name);
    after?.();
    return result as Checked<K>;
  }

  #lastError(name: FunctionName): LibvirtError {
    const pointer = this.library.bind("virGetLastError")();
    if (pointer === null) return LibvirtError.own("internal", "failed without an error message", name, true);
    const e = koffi.decode(pointer, virError) as {
      code: number;
      domain: number;
      level: number;
      message: string | null;
    };
    const text = e.message ?? "failed without an error message";
    return new LibvirtError({
      code: e.code,
      domain: e.domain,
      level: e.level,
      class: classify(e.code, e.domain, name, text),
      text,
      function: name,
      sent: true,
    });
  }

  /** Look the network up, run, free. */
  withNetwork<T>(ref: Ref, run: (net: Net) => T): T {
    const net =
      "uuid" in ref
        ? this.call("virNetworkLookupByUUIDString", this.conn, ref.uuid)
        : this.call("virNetworkLookupByName", this.conn, ref.name);
    return this.using(net, "virNetworkFree", run);
  }

  /** The same; the handle stays for the next request, until {@link letGo}. */
  withDomain<T>(ref: Ref, run: (dom: Dom) => T): T {
    const of = "uuid" in ref ? ref.uuid : `name ${ref.name}`;
    if (this.#kept?.of !== of) {
      this.letGo();
      const dom =
        "uuid" in ref
          ? this.call("virDomainLookupByUUIDString", this.conn, ref.uuid)
          : this.call("virDomainLookupByName", this.conn, ref.name);
      this.#kept = { of, dom };
    }
    return run(this.#kept.dom);
  }

  /** Requests that were sent together share a domain's handle; the next one looks it up again. */
  letGo(): void {
    if (this.#kept) this.library.bind("virDomainFree")(this.#kept.dom);
    this.#kept = undefined;
  }

  withInterface<T>(name: string, run: (iface: Iface) => T): T {
    return this.using(this.call("virInterfaceLookupByName", this.conn, name), "virInterfaceFree", run);
  }

  /** Run with a handle that libvirt handed over, and free it whatever happens. */
  using<H extends bigint, T>(handle: H, free: FreeName, run: (handle: H) => T): T {
    try {
      return run(handle);
    } finally {
      (this.library.bind(free) as (h: bigint) => unknown)(handle);
    }
  }

  /** Call a "list all" function, run over its handles, free each and the array. */
  withList<H extends bigint, T>(list: (out: [bigint | null]) => number, free: FreeName, run: (handles: H[]) => T): T {
    const out: [bigint | null] = [null];
    const count = list(out);
    const array = out[0];
    if (array === null) return run([]);
    const handles = decodeArray<H>(array, "void *", count);
    try {
      return run(handles);
    } finally {
      const freeOne = this.library.bind(free) as (h: bigint) => unknown;
      for (const handle of handles) freeOne(handle);
      this.library.free(array);
    }
  }

  /** The UUID in text form. */
  uuid<K extends "virNetworkGetUUIDString" | "virDomainGetUUIDString" | "virNetworkPortGetUUIDString">(
    name: K,
    handle: Parameters<Functions[K]>[0],
  ): string {
    this.call(name, ...([handle, this.#uuid] as unknown as Parameters<Functions[K]>));
    return this.#uuid.toString("latin1", 0, 36);
  }
}

/** koffi.decode with a count would do, but loses some 19 bytes a call (koffi 3.3.4). */
export function decodeArray<T>(array: bigint, type: Parameters<typeof koffi.sizeof>[0], count: number): T[] {
  const size = koffi.sizeof(type);
  return Array.from({ length: count }, (_, i) => koffi.decode(array, i * size, type) as T);
}

type FreeName =
  | "virNetworkFree"
  | "virDomainFree"
  | "virInterfaceFree"
  | "virNetworkPortFree"
  | "virNetworkDHCPLeaseFree"
  | "virDomainInterfaceFree";

/** Run; undefined when the object is not there (any of these codes). */
export function unlessGone<T>(code: number, run: () => T): T | undefined {
  try {
    return run();
  } catch (e) {
    if (e instanceof LibvirtError && e.code === code) return undefined;
    throw e;
  }
}

/** virDomainModificationImpact and virNetworkUpdateFlags give these the same numbers. */
export const affects = { live: 1, config: 2, both: 3 } as const;
