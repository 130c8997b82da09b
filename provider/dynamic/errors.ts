/** Errors as the dynamic host takes them: it wants real Errors, and prints `${error}: ${error.stack}` for all but create and update. */

/** An error whose message reaches the user as it is, without a stack. */
export class ShownError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "virtnet";
    this.stack = message;
  }
  override toString(): string {
    return this.name;
  }
}

/** The host sends it as ErrorResourceInitFailed: the engine keeps the resource with these properties and updates it next time. */
export class InitFailed extends ShownError {
  readonly id: string;
  /** Must hold `__provider`: on this way the host does not add it, and a later delete would fail without. */
  readonly properties: Record<string, unknown>;
  readonly reasons: string[];
  constructor(id: string, properties: Record<string, unknown>, reasons: string[]) {
    super(reasons.join("; "));
    this.id = id;
    this.properties = properties;
    this.reasons = reasons.length > 0 ? reasons : ["the object is not as wanted"];
  }
}

/** User's faults and what libvirt said: by what they carry, since two copies of this package may be loaded. */
const isForUser = (e: Error): boolean => (e as { forUser?: unknown }).forUser === true || e.name === "LibvirtError";

/** Any thrown value as an Error: `throw undefined` would leave the engine waiting for ever. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof ShownError) return thrown;
  if (thrown instanceof Error) {
    if (isForUser(thrown)) return new ShownError(thrown.message, { cause: thrown });
    const bug = new ShownError(`a fault of pulumi-virtnet itself: ${thrown.message}`, { cause: thrown });
    bug.stack = `a fault of pulumi-virtnet itself: ${thrown.stack}`;
    return bug;
  }
  return new ShownError(`a fault of pulumi-virtnet itself: ${describe(thrown)} was thrown`);
}

function describe(thrown: unknown): string {
  try {
    return typeof thrown === "string" ? JSON.stringify(thrown) : String(thrown);
  } catch {
    return `a ${typeof thrown}`;
  }
}
