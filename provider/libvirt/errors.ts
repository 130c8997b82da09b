/**
 * libvirt's errors as data: {@link LibvirtError} carries code, domain and level as libvirt gave them, and a class to branch on.
 *
 * Branch on `class` (or `code`), never on the text.
 */
import type { ErrorClass } from "./api.js";

/** virErrorNumber, as far as we name them (virterror.h). */
export const code = {
  ok: 0,
  internal: 1,
  noMemory: 2,
  noSupport: 3,
  unknownHost: 4,
  noConnect: 5,
  invalidConn: 6,
  invalidArg: 8,
  operationFailed: 9,
  systemError: 38,
  noDomain: 42,
  noNetwork: 43,
  operationInvalid: 55,
  noInterface: 57,
  xmlInvalidSchema: 92,
  noNetworkPort: 107,
  noNetworkMetadata: 111,
} as const;

/** VIR_FROM_RPC: the connection itself, not what was asked over it. */
const fromRpc = 7;

/** code → class, where the code alone decides (research: libvirt's virterror.h and what the drivers report). */
const classes: Record<number, ErrorClass> = {
  42: "not-found",
  43: "not-found",
  49: "not-found",
  53: "not-found",
  57: "not-found",
  62: "not-found",
  80: "not-found",
  99: "not-found",
  101: "not-found",
  107: "not-found",
  111: "not-found",
  28: "exists",
  37: "exists",
  90: "exists",
  106: "exists",
  8: "invalid-input",
  20: "invalid-input",
  21: "invalid-input",
  27: "invalid-input",
  35: "invalid-input",
  44: "invalid-input",
  67: "invalid-input",
  82: "invalid-input",
  92: "invalid-input",
  9: "invalid-state",
  55: "invalid-state",
  59: "invalid-state",
  110: "invalid-state",
  3: "unsupported",
  74: "unsupported",
  84: "unsupported",
  68: "busy",
  83: "busy",
  86: "busy",
  87: "busy",
  97: "busy",
  29: "auth",
  45: "auth",
  79: "auth",
  88: "auth",
  94: "auth",
  4: "transport",
  5: "transport",
  6: "transport",
  39: "transport",
  40: "transport",
  85: "transport",
  98: "transport",
};

/** What kind of failure libvirt's code means. The domain tells a broken connection from a bad request, the function "exists" from "failed". */
export function classify(errorCode: number, domain: number, functionName: string, text: string): ErrorClass {
  if (domain === fromRpc && (errorCode === code.systemError || errorCode === code.internal)) return "transport";
  if (errorCode === code.invalidArg && text.includes("unsupported flags")) return "unsupported";
  // "network 'x' already exists with uuid …": the drivers give the general code for it.
  if (errorCode === code.operationFailed && /(Define|Create)XML/.test(functionName)) return "exists";
  return classes[errorCode] ?? "internal";
}

/** The plain data of an error: what crosses from the worker to the main thread. */
export interface ErrorData {
  /** virErrorNumber; 0 where the failure is not libvirt's (timeout, worker gone). */
  code: number;
  /** virErrorDomain; 0 likewise. */
  domain: number;
  /** virErrorLevel: 1 warning, 2 error. */
  level: number;
  class: ErrorClass;
  /** libvirt's own text. */
  text: string;
  /** The C function that failed. */
  function: string;
  /** Whether the request reached libvirt's wire; false: nothing can have happened. */
  sent: boolean;
}

/**
 * A failed call.
 *
 * @example
 * ```ts
 * try { await connection.networks.start({ name: "dev" }); }
 * catch (e) { if (!(e instanceof LibvirtError && e.class === "invalid-state")) throw e; }   // it runs already
 * ```
 */
export class LibvirtError extends Error implements ErrorData {
  readonly code: number;
  readonly domain: number;
  readonly level: number;
  readonly class: ErrorClass;
  readonly text: string;
  readonly function: string;
  readonly sent: boolean;
  /** The same call may succeed later without anybody changing anything: busy, or the connection broke. After a timeout nobody knows: false. */
  readonly retryable: boolean;

  constructor(data: ErrorData, options?: ErrorOptions) {
    super(data.function === "" ? data.text : `${data.text} (${data.function})`, options);
    this.name = "LibvirtError";
    this.code = data.code;
    this.domain = data.domain;
    this.level = data.level;
    this.class = data.class;
    this.text = data.text;
    this.function = data.function;
    this.sent = data.sent;
    this.retryable = data.class === "busy" || data.class === "transport";
  }

  /** A failure that libvirt did not report itself. */
  static own(errorClass: ErrorClass, text: string, functionName = "", sent = false): LibvirtError {
    return new LibvirtError({ code: 0, domain: 0, level: 2, class: errorClass, text, function: functionName, sent });
  }

  /** The plain data, for a message between threads. */
  toData(): ErrorData {
    return {
      code: this.code,
      domain: this.domain,
      level: this.level,
      class: this.class,
      text: this.text,
      function: this.function,
      sent: this.sent,
    };
  }
}
