/** The stacks that Pulumi's SDK writes down while a resource is constructed. */

/**
 * Until the returned function is called, promises that Pulumi watches for leaks get no stack of where they were made.
 *
 * There are four for each output of a resource (transferProperties in @pulumi/pulumi's runtime/rpc.ts, debuggablePromise in
 * runtime/debuggable.ts), each asked for at once, which maps ten frames to their sources by ts-node: half of the time that a program of
 * 1000 networks runs (docs/benchmarks.md). They are printed with PULUMI_DEBUG_PROMISE_LEAKS only, so with that they stay. All other
 * errors keep theirs: V8 formats a stack when it is asked for.
 */
export function withoutPromiseStacks(): () => void {
  if (process.env.PULUMI_DEBUG_PROMISE_LEAKS) return () => undefined;
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = (error, frames) =>
    frames[0]?.getFunctionName() === "debuggablePromise"
      ? "(none: see PULUMI_DEBUG_PROMISE_LEAKS)"
      : prepareStackTrace
        ? prepareStackTrace(error, frames)
        : [error, ...frames].join("\n    at ");
  return () => {
    if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
    else delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace;
  };
}
