/**
 * What a resource handler is, whatever hosts it: today the dynamic provider (`dynamic-v1.ts`), later a plugin.
 *
 * Handlers know no wire format. Unknown values are {@link Unknown}, failures are data, logging goes through the context.
 */

/** A value that Pulumi does not know yet (preview). May stand anywhere in inputs, at any depth. */
export const Unknown: unique symbol = Symbol.for("virtnet.unknown") as never;

/** Plain JSON-like data as it comes from the program; objects may hold {@link Unknown}. */
export type Inputs = Record<string, unknown>;

/** One fault found by check: where (as the user wrote it, `ips[0].dhcp.ranges[0].end`) and what to do. */
export interface Failure {
  property: string;
  reason: string;
}

export interface Context {
  log(level: "info" | "warning" | "error", message: string): void;
  signal?: AbortSignal;
  /** Limit of one operation, in ms. */
  deadlineMs?: number;
}

export interface Diff {
  changes: boolean;
  /** Top-level properties that force a replacement. */
  replaces: string[];
  deleteBeforeReplace: boolean;
}

export interface Handler {
  check(ctx: Context, olds: Inputs, news: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }>;
  diff(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<Diff>;
  create(ctx: Context, inputs: Inputs): Promise<{ id: string; outs: Inputs }>;
  /** `undefined`: gone, on the proven host. */
  read(ctx: Context, id: string, olds: Inputs): Promise<{ id: string; outs: Inputs; inputs: Inputs } | undefined>;
  update(ctx: Context, id: string, olds: Inputs, news: Inputs): Promise<{ outs: Inputs }>;
  delete(ctx: Context, id: string, olds: Inputs): Promise<void>;
}

/** The user's fault or the host's state: shown as it is, without a stack. */
export class VirtnetError extends Error {
  override name = "VirtnetError";
  /** Of subclasses too, and where another copy of this package is loaded, whose classes are others. */
  readonly forUser = true;
}

/** Whether it is looked up by its id (`Network.get`) and was never read before: each state names its host. */
export const isLookup = (olds: Inputs): boolean => olds.hostUuid === undefined;

/** What an error says, whatever was thrown. */
export const textOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));

/** A step of a plan failed. `restored`: all is as it was; otherwise the message names what is not. */
export class ApplyError extends VirtnetError {
  override name = "ApplyError";
  readonly restored: boolean;
  constructor(message: string, restored: boolean, cause: unknown) {
    super(message, { cause });
    this.restored = restored;
  }
}

/** The object exists but is not as wanted: the engine keeps it in state and goes on from there. */
export class PartialFailure extends VirtnetError {
  override name = "PartialFailure";
  readonly id: string;
  readonly state: Inputs;
  readonly reasons: string[];
  constructor(id: string, state: Inputs, reasons: string[]) {
    super(reasons.join("; "));
    this.id = id;
    this.state = state;
    this.reasons = reasons;
  }
}

/** What kind of failure libvirt's error is; undefined for any other error. Asks for the property, so that libvirt need not be loaded. */
export const classOf = (e: unknown): unknown => (e instanceof Error && "class" in e ? e.class : undefined);
