/** The stacks that Pulumi's SDK takes down while a resource is constructed. */

/** Frames of Resource.callsites on top of the first class below Pulumi's own: callsites, stackTrace, Resource, CustomResource. */
const PULUMIS = 4;

/**
 * Until the returned function is called, promises that Pulumi watches for leaks get no stack of where they were made, and the
 * position of the resource that Pulumi writes into the state is that of the program.
 *
 * There are four promises for each output of a resource (transferProperties in @pulumi/pulumi's runtime/rpc.ts, debuggablePromise in
 * runtime/debuggable.ts), whose stacks are asked for at once, which maps ten frames to their sources by ts-node: half of the CPU time of
 * a program of 1000 networks (docs/benchmarks.md). They are printed with PULUMI_DEBUG_PROMISE_LEAKS only, so with that they stay.
 * The position is the frame below one class of a provider (Resource.callsites in resource.ts). All other errors keep their stack: V8
 * formats it when it is asked for.
 *
 * @param between How many classes are between Pulumi's CustomResource and that of the resource.
 */
export function withPlainStacks(between: number): () => void {
  const { prepareStackTrace } = Error;
  const format = prepareStackTrace ?? ((error, frames) => [error, ...frames].join("\n    at "));
  let done = false;
  const own: typeof Error.prepareStackTrace = (error, frames) => {
    const by = done ? undefined : frames[0]?.getFunctionName();
    if (by === "debuggablePromise" && !process.env.PULUMI_DEBUG_PROMISE_LEAKS)
      return "(none: see PULUMI_DEBUG_PROMISE_LEAKS)";
    return format(error, by === "callsites" ? frames.toSpliced(PULUMIS, between) : frames);
  };
  Error.prepareStackTrace = own;
  return () => {
    done = true;
    if (Error.prepareStackTrace !== own) return; // a transformation of the program has set one of its own
    if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
    else delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace;
  };
}
