/**
 * A {@link Handler} as Pulumi's dynamic-provider host calls it (@pulumi/pulumi/cmd/dynamic-provider).
 *
 * The host is unforgiving: a result that protobuf cannot hold, an id that is no text, a thrown non-error or a state
 * without `__provider` lose the object that was just made. All of that ends here; handlers know nothing of it.
 */
import { type Context, type Failure, type Handler, type Inputs, PartialFailure } from "../handler.js";
import { InitFailed, ShownError, toError } from "./errors.js";
import { operate } from "./operation.js";
import { fromWire, PROVIDER_KEY, toWire, VERSION_KEY } from "./wire.js";

type Wire = Record<string, unknown>;

/** What the host calls; shapes as in `@pulumi/pulumi/dynamic`. */
export interface DynamicProvider {
  configure(request: { config?: ConfigReader }): Promise<void>;
  check(olds: Wire, news: Wire): Promise<{ inputs: Wire; failures: Failure[] }>;
  diff(
    id: string,
    olds: Wire,
    news: Wire,
  ): Promise<{ changes: boolean; replaces: string[]; deleteBeforeReplace: boolean }>;
  create(inputs: Wire): Promise<{ id: string; outs: Wire }>;
  /** `{}`: gone. */
  read(id: string, olds: Wire): Promise<{ id?: string; props?: Wire; inputs?: Wire }>;
  update(id: string, olds: Wire, news: Wire): Promise<{ outs: Wire }>;
  delete(id: string, olds: Wire): Promise<void>;
}

/** The host's view of the stack's configuration; a key without colon is the project's own. */
export interface ConfigReader {
  get(key: string): string | undefined;
}

export interface AdapterOptions {
  /** Layout of the outputs that the handler writes; raised together with a migration. Default: 1. */
  stateVersion?: number;
  /** `migrations[n]` turns outputs of layout n into layout n + 1. */
  migrations?: Readonly<Record<number, (state: Inputs) => Inputs>>;
}

/** Limit of one operation unless the stack says otherwise (`virtnet:timeout`, in seconds). */
const DEFAULT_DEADLINE_MS = 10 * 60_000;

const printed = new Set<string>();

/** Each line once in a run: check and diff of one resource may be called twice. */
function log(level: "info" | "warning" | "error", message: string): void {
  const line = level === "info" ? message : `${level}: ${message}`;
  if (printed.has(line)) return;
  printed.add(line);
  console.log(line);
}

/** Wraps a handler; `load` is called at the first use, so that a provider process loads only what its resources need. */
export function adapt(load: Handler | (() => Handler), options: AdapterOptions = {}): DynamicProvider {
  const { stateVersion = 1, migrations = {} } = options;
  let deadlineMs = DEFAULT_DEADLINE_MS;
  let loaded: Handler | undefined;

  const handler = (): Handler => {
    loaded ??= typeof load === "function" ? load() : load;
    return loaded;
  };
  const run = <T>(what: string, work: (context: Context) => Promise<T>): Promise<T> =>
    operate(what, deadlineMs, (signal) => work({ log, signal, deadlineMs })).catch((thrown) => {
      throw toError(thrown);
    });

  const stateOf = (olds: Wire): Inputs => {
    let version = Number(olds?.[VERSION_KEY] ?? stateVersion);
    if (version > stateVersion) {
      throw new ShownError(
        `the stack's state was written by a newer pulumi-virtnet (layout ${version}, this one knows ${stateVersion}): install that version or a later one`,
      );
    }
    let state = fromWire(olds);
    for (; version < stateVersion; version++) {
      const migrate = migrations[version];
      if (!migrate)
        throw new ShownError(`the stack's state has layout ${version}, which this pulumi-virtnet cannot read any more`);
      state = migrate(state);
    }
    return state;
  };
  const outputs = (outs: Inputs, text: unknown) => {
    const { value, faults } = toWire(outs);
    return { value: { ...value, [VERSION_KEY]: stateVersion, [PROVIDER_KEY]: text }, faults };
  };
  const inputsOf = (inputs: Inputs, text: unknown): Wire => {
    const { value, faults } = toWire(inputs);
    if (faults.length > 0) throw new ShownError(`a fault of pulumi-virtnet itself: ${faults.join("; ")}`);
    return { ...value, [PROVIDER_KEY]: text };
  };
  /** After this point something exists, so whatever is wrong must not lose it. */
  const written = (id: string, outs: Inputs, text: unknown): Wire => {
    const { value, faults } = outputs(outs, text);
    if (faults.length > 0)
      throw new InitFailed(
        id,
        value,
        faults.map((f) => `a fault of pulumi-virtnet itself: output ${f}`),
      );
    return value;
  };
  const keepPartial =
    (text: unknown) =>
    (thrown: unknown): never => {
      if (!(thrown instanceof PartialFailure)) {
        if (thrown instanceof InitFailed) throw thrown;
        const error = toError(thrown);
        // create and update are the two for which the host prints no stack.
        if (error.stack !== error.message) log("error", error.stack ?? error.message);
        throw error;
      }
      throw new InitFailed(textId(thrown.id), outputs(thrown.state, text).value, thrown.reasons);
    };

  return {
    // No await before the fields are set, and nothing thrown: the host hands out a provider whose configure has not ended.
    configure(request) {
      try {
        const seconds = Number(request?.config?.get("virtnet:timeout"));
        if (seconds > 0 && Number.isFinite(seconds)) deadlineMs = seconds * 1000;
        const command = request?.config?.get("virtnet:command");
        // How hosts are reached is one for the process, as in the environment of the command line.
        if (command !== undefined && command !== "") process.env.VIRTNET_COMMAND = command;
      } catch (thrown) {
        log("warning", `virtnet: the stack's configuration could not be read: ${toError(thrown).message}`);
      }
      return Promise.resolve();
    },

    check: (olds, news) =>
      run("check", async (context) => {
        const { inputs, failures } = await handler().check(context, fromWire(olds), fromWire(news));
        return {
          inputs: inputsOf(inputs, news[PROVIDER_KEY]),
          failures: failures.map(({ property, reason }) => ({ property, reason })),
        };
      }),

    diff: (id, olds, news) =>
      run("diff", async (context) => {
        const { changes, replaces, deleteBeforeReplace } = await handler().diff(
          context,
          id,
          stateOf(olds),
          fromWire(news),
        );
        return { changes: changes || replaces.length > 0, replaces: [...replaces], deleteBeforeReplace };
      }),

    create: (inputs) =>
      run("create", async (context) => {
        const text = inputs[PROVIDER_KEY];
        const { id, outs } = await handler().create(context, fromWire(inputs)).catch(keepPartial(text));
        return { id: textId(id), outs: written(textId(id), outs, text) };
      }),

    read: (id, olds) =>
      run("read", async (context) => {
        const found = await handler().read(context, id, stateOf(olds));
        if (found === undefined) return {};
        const text = olds[PROVIDER_KEY];
        const { value, faults } = outputs(found.outs, text);
        if (faults.length > 0) throw new ShownError(`a fault of pulumi-virtnet itself: output ${faults.join("; ")}`);
        return { id: textId(found.id), props: value, inputs: inputsOf(found.inputs, text) };
      }),

    update: (id, olds, news) =>
      run("update", async (context) => {
        const text = news[PROVIDER_KEY];
        const { outs } = await handler().update(context, id, stateOf(olds), fromWire(news)).catch(keepPartial(text));
        return { outs: written(id, outs, text) };
      }),

    delete: (id, olds) => run("delete", (context) => handler().delete(context, id, stateOf(olds))),
  };
}

/** The host sends an id that is no text as "", which the engine takes for "not created". */
function textId(id: unknown): string {
  if (typeof id === "string" && id !== "") return id;
  if (typeof id === "number" || typeof id === "bigint") return String(id);
  throw new ShownError(`a fault of pulumi-virtnet itself: the id is ${id === "" ? "empty" : `a ${typeof id}`}`);
}
