/**
 * Skips the running test, or from a `before` hook the whole suite, and leaves the reason where the reporter finds it:
 * `npm test` prints one line for each skipped test. Call it from a `function`, since arrow functions have no test context.
 *
 * @example
 * it("bonds two ports", function () {
 *   if (!kernelHas("bonding")) skip(this, "this kernel has no bonding module");
 * });
 */
export function skip(context: Mocha.Context, reason: string): never {
  const runnable = context.runnable();
  const bearer = runnable.type === "hook" && !context.currentTest ? runnable.parent : (context.currentTest ?? runnable);
  Object.assign(bearer ?? runnable, { skipReason: reason });
  return context.skip() as never;
}
