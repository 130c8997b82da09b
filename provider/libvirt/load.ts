/**
 * Loads libvirt's client library, once a thread and not before it is needed.
 *
 * `VIRTNET_LIBVIRT` names another file than `libvirt.so.0`. Functions are bound at their first call.
 */
import koffi from "koffi";
import { LibvirtError } from "./errors.js";
import { type FunctionName, type Functions, functions, since, type Word } from "./functions.js";

/** Older ones swap the arguments of virNetworkUpdate. */
const oldest = 7_002_000;

export interface Library {
  /** The bound function; throws class "unsupported" where this client library is too old to have it. */
  bind<K extends FunctionName>(name: K): Functions[K];
  /** Whether the client library has this function. */
  has(name: FunctionName): boolean;
  /** major*1000000 + minor*1000 + release. */
  version: number;
  /** A C function that does nothing, whatever it is called with, for callbacks that have no work to do (it must not enter JavaScript). */
  noop: bigint;
  /** free(3), for arrays that libvirt hands over. */
  free(pointer: bigint): void;
  /** _exit(2): ends the process without waiting for a thread that hangs in a C call. */
  exitNow(status: number): void;
}

/** "9.0.0" for 9000000. */
export function versionText(version: number): string {
  return `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1000) % 1000}.${version % 1000}`;
}

let loaded: Library | undefined;

/** The library, loaded at the first call. Throws a LibvirtError (class "unsupported") that says what to install. */
export function load(): Library {
  loaded ??= loadNow();
  return loaded;
}

function loadNow(): Library {
  const path = process.env.VIRTNET_LIBVIRT || "libvirt.so.0";
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load(path);
  } catch (cause) {
    throw LibvirtError.own(
      "unsupported",
      `libvirt's client library (${path}) cannot be loaded: install the package libvirt0 (Debian, Ubuntu) or libvirt-libs (Fedora, RHEL), or name the file in VIRTNET_LIBVIRT (${(cause as Error).message})`,
    );
  }
  const libc = koffi.load(null);
  const types = koffiTypes();
  const bound = new Map<FunctionName, unknown>();
  const result: Library = {
    bind(name) {
      let f = bound.get(name);
      if (f === undefined) {
        const [returns, args] = functions[name];
        try {
          f = library.func(
            name,
            types[returns],
            args.map((word: Word) => types[word]),
          );
        } catch (cause) {
          const needs = since[name] ? `${since[name]} or newer` : "newer";
          throw new LibvirtError(
            {
              ...noSupport,
              function: name,
              text: `${name} needs a libvirt client library ${needs}; ${path} is ${versionText(result.version)}`,
            },
            { cause },
          );
        }
        bound.set(name, f);
      }
      return f as Functions[typeof name];
    },
    has(name) {
      try {
        this.bind(name);
        return true;
      } catch {
        return false;
      }
    },
    version: 0,
    noop: libc.symbol("labs") as bigint, // reads one register and returns
    free: libc.func("void free(void *p)"),
    exitNow: libc.func("void _exit(int status)"),
  };
  const version: [number | bigint] = [0];
  result.bind("virGetVersion")(version, null, null);
  result.version = Number(version[0]);
  if (result.version < oldest)
    throw LibvirtError.own(
      "unsupported",
      `libvirt's client library (${path}) is ${versionText(result.version)}; ${versionText(oldest)} or newer is needed`,
    );
  result.bind("virInitialize")();
  result.bind("virSetErrorFunc")(null, result.noop); // else each failure is also printed to stderr
  return result;
}

const noSupport = { code: 3, domain: 0, level: 2, class: "unsupported", sent: false } as const;

function koffiTypes(): Record<Word, Parameters<typeof koffi.sizeof>[0]> {
  const pointer = "void *";
  return {
    conn: pointer,
    net: pointer,
    dom: pointer,
    iface: pointer,
    port: pointer,
    ptr: pointer,
    buf: pointer,
    str: "str",
    heap: koffi.disposable("str"),
    int: "int",
    uint: "unsigned int",
    void: "void",
    outInt: koffi.out(koffi.pointer("int")),
    outLong: koffi.out(koffi.pointer("unsigned long")),
    outPtr: koffi.out(koffi.pointer("void *")),
  };
}
