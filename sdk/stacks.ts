/** The stacks that Pulumi's SDK takes down while a resource is constructed. */

/** Between Pulumi's class and the one that a program makes: by their names in a stack. */
const BETWEEN = new Set<string | null>(["HostResource", "Link"]);

/**
 * Until the returned function is called, promises that Pulumi watches for leaks get no stack of where they were made, and the
 * position of the resource that Pulumi writes into the state is that of the program, whatever classes are between.
 *
 * There are four promises for each output of a resource (transferProperties in @pulumi/pulumi's runtime/rpc.ts, debuggablePromise in
 * runtime/debuggable.ts), whose stacks are asked for at once, which maps ten frames to their sources by ts-node: half of the time that a
 * program of 1000 networks runs (docs/benchmarks.md). They are printed with PULUMI_DEBUG_PROMISE_LEAKS only, so with that they stay.
 * The position is the fourth frame, counted from Pulumi's own classes (Resource.callsites in resource.ts). All other errors keep their
 * stack: V8 formats it when it is asked for.
 */
export function withPlainStacks(): () => void {
  const { prepareStackTrace } = Error;
  const format = prepareStackTrace ?? ((error, frames) => [error, ...frames].join("\n    at "));
  Error.prepareStackTrace = (error, frames) => {
    const by = frames[0]?.getFunctionName();
    if (by === "debuggablePromise" && !process.env.PULUMI_DEBUG_PROMISE_LEAKS)
      return "(none: see PULUMI_DEBUG_PROMISE_LEAKS)";
    const shown = by === "callsites" ? frames.filter((frame) => !BETWEEN.has(frame.getFunctionName())) : frames;
    return format(error, shown);
  };
  return () => {
    if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
    else delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace;
  };
}
