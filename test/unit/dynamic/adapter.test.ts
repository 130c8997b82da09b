import assert from "node:assert/strict";
import { adapt, type DynamicProvider } from "../../../provider/dynamic/adapter.js";
import { SENTINEL } from "../../../provider/dynamic/wire.js";
import {
  ApplyError,
  type Context,
  type Handler,
  type Inputs,
  PartialFailure,
  Unknown,
  VirtnetError,
} from "../../../provider/handler.js";
import { BusError } from "../../../provider/hostlink/backends/networkmanager/bus.js";
import { NotReleased } from "../../../provider/unplug.js";

const text = 'exports.handler=()=>require("x")';

/** A handler that does nothing, except what is given. */
function handler(own: Partial<Handler>): Handler {
  return {
    check: async (_c, _o, news) => ({ inputs: news, failures: [] }),
    diff: async () => ({ changes: false, replaces: [], deleteBeforeReplace: false }),
    create: async (_c, inputs) => ({ id: "1", outs: inputs }),
    read: async (_c, id, olds) => ({ id, outs: olds, inputs: olds }),
    update: async (_c, _id, _olds, news) => ({ outs: news }),
    delete: async () => {},
    ...own,
  };
}

const provider = (own: Partial<Handler>, options?: Parameters<typeof adapt>[1]): DynamicProvider =>
  adapt(handler(own), options);

async function failure(
  promise: Promise<unknown>,
): Promise<Error & { id?: string; properties?: Inputs; reasons?: string[] }> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  assert.ok("error" in outcome, `nothing was thrown, the result is ${JSON.stringify(outcome)}`);
  assert.ok(outcome.error instanceof Error, "what is thrown is no Error");
  return outcome.error;
}

describe("the adapter to Pulumi's dynamic host", () => {
  describe("what the handler is given", () => {
    it("has Unknown where the engine says unknown, at any depth, and no __provider", async () => {
      const given: Inputs[] = [];
      const p = provider({
        check: async (_c, olds, news) => {
          given.push(olds, news);
          return { inputs: news, failures: [] };
        },
      });
      const result = await p.check(
        { __provider: "old", a: 1 },
        { __provider: text, b: [{ c: SENTINEL }], d: SENTINEL },
      );
      assert.deepEqual(given, [{ a: 1 }, { b: [{ c: Unknown }], d: Unknown }]);
      assert.deepEqual(result.inputs, { b: [{ c: SENTINEL }], d: SENTINEL, __provider: text });
    });

    it("has nothing of a field that is null, at any depth: it is not set", async () => {
      const given: unknown[] = [];
      const p = provider({
        check: async (_, olds, news) => {
          given.push(olds, news);
          return { inputs: news, failures: [] };
        },
      });
      const { inputs } = await p.check({ a: null }, { __provider: text, b: null, c: [{ d: null, e: false }] });
      assert.deepEqual(given, [{}, { c: [{ e: false }] }]);
      assert.deepEqual(inputs, { c: [{ e: false }], __provider: text });
    });

    it("leaves a text alone that only contains the sentinel", async () => {
      const { inputs } = await provider({}).check({}, { a: `x ${SENTINEL}` });
      assert.equal(inputs.a, `x ${SENTINEL}`);
    });

    it("has a signal that fires at the stack's time limit", async () => {
      let context: Context | undefined;
      const p = provider({
        delete: (c) =>
          new Promise((_, reject) => {
            context = c;
            c.signal?.addEventListener("abort", () => reject(c.signal?.reason));
          }),
      });
      await p.configure({ config: { get: (key) => (key === "virtnet:timeout" ? "0.05" : undefined) } });
      const error = await failure(p.delete("1", {}));
      assert.equal(error.message, "delete did not end within 0.05 s (stack config virtnet:timeout, in seconds)");
      assert.equal(context?.deadlineMs, 50);
    });

    it("is loaded at the first use only", async () => {
      let loads = 0;
      const p = adapt(() => {
        loads++;
        return handler({});
      });
      await p.configure({});
      assert.equal(loads, 0);
      await p.check({}, {});
      await p.diff("1", {}, {});
      assert.equal(loads, 1);
    });
  });

  describe("configure", () => {
    it("has stored the limit before it returns to the host, which does not wait", () => {
      const asked: string[] = [];
      void provider({}).configure({ config: { get: (key) => void asked.push(key) as never } });
      assert.deepEqual(asked, ["virtnet:timeout", "virtnet:command"]);
    });
    it("never throws", async () => {
      const broken = {
        get: () => {
          throw new Error("no config");
        },
      };
      await provider({}).configure({ config: broken });
      await provider({}).configure(undefined as never);
    });
  });

  describe("what the host is given", () => {
    it("has no undefined at any depth, since protobuf would refuse it after the object was made", async () => {
      const p = provider({
        create: async () => ({
          id: "1",
          outs: { a: undefined, b: { c: undefined, d: [1, undefined, { e: undefined }] } },
        }),
      });
      const { outs } = await p.create({ __provider: text });
      assert.deepEqual(outs, { b: { d: [1, {}] }, __virtnetState: 1, __provider: text });
    });

    it("has BigInt as number or text, and Date as text", async () => {
      const p = provider({ create: async () => ({ id: "1", outs: { small: 5n, big: 2n ** 70n, at: new Date(0) } }) });
      const { outs } = await p.create({});
      assert.equal(outs.small, 5);
      assert.equal(outs.big, "1180591620717411303424");
      assert.equal(outs.at, "1970-01-01T00:00:00.000Z");
    });

    it("keeps the object, with an init error, where an output cannot be sent", async () => {
      const outs: Inputs = { good: 1, bad: { f: () => 1 }, n: Number.NaN, list: [new Map()] };
      outs.self = outs;
      const error = await failure(provider({ create: async () => ({ id: "1", outs }) }).create({ __provider: text }));
      assert.equal(error.id, "1");
      assert.deepEqual(error.properties, { good: 1, bad: {}, list: [], __virtnetState: 1, __provider: text });
      assert.deepEqual(error.reasons, [
        "a fault of pulumi-virtnet itself: output bad.f is a function",
        "a fault of pulumi-virtnet itself: output n is NaN",
        "a fault of pulumi-virtnet itself: output list[0] is a Map",
        "a fault of pulumi-virtnet itself: output self contains itself",
      ]);
    });

    it("lets one value stand at two places", async () => {
      const shared = { x: 1 };
      const { outs } = await provider({
        create: async () => ({ id: "1", outs: { a: shared, b: [shared, shared] } }),
      }).create({});
      assert.deepEqual(outs.b, [shared, shared]);
    });

    it("always has an id that is a text", async () => {
      const create = (id: unknown) => provider({ create: async () => ({ id: id as string, outs: {} }) }).create({});
      assert.equal((await create(7)).id, "7");
      assert.match((await failure(create(undefined))).message, /the id is a undefined/);
      assert.match((await failure(create(""))).message, /the id is empty/);
    });

    it("is {} for an object that is gone, and everything with __provider for one that is not", async () => {
      assert.deepEqual(await provider({ read: async () => undefined }).read("1", { __provider: text }), {});
      const found = await provider({ read: async () => ({ id: "1", outs: { a: 1 }, inputs: { b: 2 } }) }).read("1", {
        __provider: text,
      });
      assert.deepEqual(found, {
        id: "1",
        props: { a: 1, __virtnetState: 1, __provider: text },
        inputs: { b: 2, __provider: text },
      });
    });

    it("says changes where something is replaced", async () => {
      const p = provider({ diff: async () => ({ changes: false, replaces: ["name"], deleteBeforeReplace: true }) });
      assert.deepEqual(await p.diff("1", {}, {}), { changes: true, replaces: ["name"], deleteBeforeReplace: true });
    });
  });

  describe("failures", () => {
    for (const method of ["create", "update"] as const) {
      it(`of ${method} that left an object carry id, reasons, and a state with __provider`, async () => {
        const fail = async () => {
          throw new PartialFailure("uuid", { a: undefined, b: 1 }, ["not started"]);
        };
        const p = provider({ [method]: fail });
        const error = await failure(
          method === "create" ? p.create({ __provider: text }) : p.update("uuid", {}, { __provider: text }),
        );
        assert.equal(error.id, "uuid");
        assert.deepEqual(error.reasons, ["not started"]);
        assert.deepEqual(error.properties, { b: 1, __virtnetState: 1, __provider: text });
      });
    }

    it("of the user come as they are, without a stack", async () => {
      const p = provider({
        delete: async () => {
          throw new VirtnetError('network "dev": in use');
        },
      });
      const error = await failure(p.delete("1", {}));
      assert.equal(error.message, 'network "dev": in use');
      assert.equal(`${error}: ${error.stack}`, 'virtnet: network "dev": in use');
    });

    it("of a step that could not be taken come so as well, and those of another copy of this package", async () => {
      const foreign = Object.assign(new Error("x"), { name: "ApplyError", forUser: true });
      for (const thrown of [new ApplyError("x", true, undefined), new BusError("x"), new NotReleased("x"), foreign]) {
        const error = await failure(provider({ delete: () => Promise.reject(thrown) }).delete("1", {}));
        assert.equal(`${error}: ${error.stack}`, "virtnet: x", thrown.name);
      }
    });

    it("of ours are called so and keep their stack", async () => {
      const p = provider({
        read: async () => {
          throw new TypeError("x is not a function");
        },
      });
      const error = await failure(p.read("1", {}));
      assert.equal(error.message, "a fault of pulumi-virtnet itself: x is not a function");
      assert.match(String(error.stack), /adapter\.test/);
    });

    for (const thrown of [undefined, null, "text", 7, Object.create(null), {}]) {
      it(`are Errors also where ${thrown === undefined || thrown === null ? thrown : `a ${typeof thrown}`} is thrown`, async () => {
        const fail = () => Promise.reject(thrown);
        const p = provider({ check: fail, diff: fail, create: fail, read: fail, update: fail, delete: fail });
        for (const call of [
          p.check({}, {}),
          p.diff("1", {}, {}),
          p.create({}),
          p.read("1", {}),
          p.update("1", {}, {}),
          p.delete("1", {}),
        ]) {
          assert.match((await failure(call)).message, /^a fault of pulumi-virtnet itself: .* was thrown$/);
        }
      });
    }

    it("are Errors where a handler throws at once or cannot be loaded", async () => {
      const fail = () => {
        throw new Error("no such module");
      };
      assert.match((await failure(adapt(fail).create({}))).message, /no such module/);
      assert.match((await failure(provider({ delete: fail }).delete("1", {}))).message, /no such module/);
    });
  });

  describe("a state of another version", () => {
    const migrations = { 1: (s: Inputs) => ({ ...s, two: s.one }), 2: (s: Inputs) => ({ ...s, three: s.two }) };
    const seen = async (olds: Inputs): Promise<Inputs> => {
      let state: Inputs = {};
      const p = provider(
        {
          read: async (_c, id, given) => {
            state = given;
            return { id, outs: given, inputs: {} };
          },
        },
        { stateVersion: 3, migrations },
      );
      const { props } = await p.read("1", olds);
      assert.equal(props?.__virtnetState, 3);
      return state;
    };

    it("that is older is migrated step by step", async () => {
      assert.deepEqual(await seen({ __virtnetState: 1, one: 1 }), { one: 1, two: 1, three: 1 });
      assert.deepEqual(await seen({ __virtnetState: 2, two: 1 }), { two: 1, three: 1 });
    });
    it("that has none (Network.get) is taken as it is", async () => {
      assert.deepEqual(await seen({ one: 1 }), { one: 1 });
    });
    it("that is newer is refused with the way out", async () => {
      const error = await failure(provider({}).delete("1", { __virtnetState: 9 }));
      assert.match(error.message, /newer pulumi-virtnet \(layout 9, this one knows 1\): install that version/);
    });
  });
});
