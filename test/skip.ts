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
  const running = context.runnable();
  const ofSuite = running.title.startsWith('"before all" hook');
  const bearer = ofSuite ? running.parent : (context.currentTest ?? running);
  Object.assign(bearer ?? running, { skipReason: reason });
  return context.skip() as never;
}
