// Mocha's readable "spec" output, and beside it one JSON line per event in a file: it is complete up to the moment when a
// run hangs or is killed, and it carries the reasons of skipped tests (test/skip.ts), which Mocha's own reporters lack.
const { appendFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class VirtnetReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = options.reporterOptions.events;
    const write = (event, fields = {}) => appendFileSync(file, `${JSON.stringify({ event, ...fields })}\n`);
    const name = (runnable) => runnable.titlePath().join(" › ");
    runner.on("test", (test) => write("start", { name: name(test) }));
    runner.on("hook", (hook) => write("start", { name: name(hook) }));
    runner.on("pass", (test) => write("pass", { name: name(test), ms: test.duration }));
    runner.on("pending", (test) => write("skip", { name: name(test), reason: reasonOf(test) }));
    runner.on("fail", (test, error) => write("fail", { name: name(test), error: describe(error) }));
    runner.on("end", () => write("end"));
  }
};

function reasonOf(test) {
  for (let at = test; at; at = at.parent) {
    if (at.skipReason) return at.skipReason;
  }
  return undefined;
}

function describe(error) {
  const text = String(error?.stack ?? error?.message ?? error);
  return error?.cause ? `${text}\ncaused by ${describe(error.cause)}` : text;
}
