/**
 * The entry that the text in the stack's state calls: `require("pulumi-virtnet/dynamic-v1").network`.
 *
 * Frozen: states keep this text for years, and refresh and destroy run the text of the state, not the program's. So no
 * name here is ever renamed or removed; another layout gets an entry of its own, beside this one.
 *
 * Handlers are loaded at the first use: one process serves the whole stack, and starts while the user waits.
 */
import { adapt, type DynamicProvider } from "./dynamic/adapter.js";
import { endWithEngine } from "./dynamic/orphan.js";

endWithEngine();

/** `pulumi-nodejs:dynamic/virtnet:Network`. */
export const network: DynamicProvider = adapt(
  () => (require("./network/handler.js") as typeof import("./network/handler.js")).networkHandler,
);
