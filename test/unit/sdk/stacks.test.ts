/** What Pulumi's SDK writes down of where a resource was constructed. */
import assert from "node:assert/strict";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Bridge } from "../../../sdk/bridge.js";
import { Network } from "../../../sdk/network.js";
import { withPlainStacks } from "../../../sdk/stacks.js";
import { VmInterface } from "../../../sdk/vm-interface.js";

// With this name, as @pulumi/pulumi's runtime/debuggable.ts.
const debuggablePromise = () => new Error("made").stack ?? "";
const other = () => new Error("made").stack ?? "";

describe("the stacks of a resource's promises", () => {
  const { prepareStackTrace } = Error;
  const promiseLeaks = process.env.PULUMI_DEBUG_PROMISE_LEAKS;
  before(() =>
    pulumi.runtime.setMocks({
      newResource: ({ name, inputs }) => ({ id: name, state: inputs }),
      call: () => ({}),
    }),
  );
  beforeEach(() => {
    delete process.env.PULUMI_DEBUG_PROMISE_LEAKS;
  });
  afterEach(() => {
    Error.prepareStackTrace = prepareStackTrace;
    if (promiseLeaks !== undefined) process.env.PULUMI_DEBUG_PROMISE_LEAKS = promiseLeaks;
    else delete process.env.PULUMI_DEBUG_PROMISE_LEAKS;
  });

  /** Counts the stacks that are formatted in the way the program has it, as ts-node's. */
  const counted = (): Map<string, number> => {
    const asked = new Map<string, number>();
    Error.prepareStackTrace = (error, frames) => {
      const by = frames[0]?.getFunctionName() ?? "";
      asked.set(by, (asked.get(by) ?? 0) + 1);
      return `${error} by ${by}`;
    };
    return asked;
  };

  it("are not formatted while a network is constructed, as they are for any other resource", async () => {
    const asked = counted();
    const mine = Error.prepareStackTrace;
    class Other extends pulumi.CustomResource {}
    new Other("test:index:Other", "other", { a: 1 });
    assert.ok((asked.get("debuggablePromise") ?? 0) >= 4, "Pulumi does it in another way now: see sdk/stacks.ts");
    asked.clear();
    const network = new Network("net", { mode: "isolated" });
    assert.equal(asked.get("debuggablePromise") ?? 0, 0);
    assert.equal(Error.prepareStackTrace, mine);
    const name = await new Promise((resolve) => network.name.apply(resolve));
    assert.equal(name, "net");
  });

  it("tell where in the program a network, a NIC and a link are, for the state", async () => {
    const Resource = pulumi.Resource as unknown as { stackTrace(skip: number): { uri: string; line: number }[] };
    const real = Resource.stackTrace;
    const files: string[] = [];
    let line: number | undefined;
    Resource.stackTrace = (skip) => {
      const found = real(skip + 1); // this one is on the stack too
      line = found[0]?.line;
      files.push(path.parse(found[0]?.uri ?? "").name);
      return found;
    };
    // Whatever the program calls its own classes.
    class Link extends pulumi.ComponentResource {
      readonly within: [Network, string];
      constructor() {
        super("test:index:Link", "link");
        this.within = [new Network("inner", { mode: "isolated" }, { parent: this }), new Error().stack ?? ""];
      }
    }
    try {
      const [inner, here] = new Link().within;
      assert.equal(line, Number(/\.[jt]s:(\d+):/.exec(here)?.[1]));
      files.length = 0;
      const all = [
        inner,
        new Network("net", { mode: "isolated" }),
        new VmInterface("nic", { domain: "web", network: "net" }),
        new Bridge("br0"),
      ];
      await Promise.all(all.map(({ urn }) => new Promise((resolve) => urn.apply(resolve))));
    } finally {
      Resource.stackTrace = real;
    }
    assert.deepEqual(files, Array(3).fill(path.parse(__filename).name));
  });

  it("leave a handler that the program has set meanwhile, and do nothing any more where that one asks them", () => {
    counted();
    const done = withPlainStacks(1);
    const former = Error.prepareStackTrace;
    const theirs: typeof Error.prepareStackTrace = (error, frames) => `theirs: ${former?.(error, frames)}`;
    Error.prepareStackTrace = theirs;
    done();
    assert.equal(Error.prepareStackTrace, theirs);
    assert.equal(debuggablePromise(), "theirs: Error: made by debuggablePromise");
  });

  it("leave those of other errors, and all when it is done", () => {
    counted();
    const done = withPlainStacks(1);
    assert.match(debuggablePromise(), /^\(none/);
    assert.equal(other(), "Error: made by other");
    done();
    assert.equal(debuggablePromise(), "Error: made by debuggablePromise");
  });

  it("leave node's own form of others where the program has none", () => {
    delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace;
    const done = withPlainStacks(1);
    assert.match(other(), /^Error: made\n {4}at other \(.*stacks\.test/);
    done();
    assert.equal("prepareStackTrace" in Error, false);
  });

  it("come back where the construction fails", () => {
    counted();
    const mine = Error.prepareStackTrace;
    assert.throws(() => new Network("", { mode: "isolated" }), /name/);
    assert.equal(Error.prepareStackTrace, mine);
  });

  it("stay where PULUMI_DEBUG_PROMISE_LEAKS asks for them", () => {
    process.env.PULUMI_DEBUG_PROMISE_LEAKS = "1";
    counted();
    const done = withPlainStacks(1);
    assert.equal(debuggablePromise(), "Error: made by debuggablePromise");
    done();
  });
});
