/**
 * The entry that the text in the stack's state calls: `require("pulumi-virtnet/dynamic-v1").network`.
 *
 * Frozen: states keep this text for years, and refresh and destroy run the text of the state, not the program's. So no
 * name here is ever renamed or removed; another layout gets an entry of its own, beside this one.
 *
 * Handlers are loaded at the first use: one process serves the whole stack, and starts while the user waits. What V8 made
 * of our files is kept from run to run, in the user's own cache: node's default, below /tmp, is anybody's.
 */
import { enableCompileCache, flushCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { adapt, type DynamicProvider } from "./dynamic/adapter.js";

const { VIRTNET_CACHE, XDG_CACHE_HOME, NODE_COMPILE_CACHE } = process.env;
enableCompileCache(
  NODE_COMPILE_CACHE ||
    join(VIRTNET_CACHE || XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-virtnet", "compiled"),
);
// At its end the process is interrupted, which keeps nothing.
setTimeout(flushCompileCache, 2000).unref();

import { endWithEngine } from "./dynamic/orphan.js";
import type { Kind } from "./hostlink/args.js";

endWithEngine();

/** `pulumi-nodejs:dynamic/virtnet:Network`. */
export const network: DynamicProvider = adapt(
  () => (require("./network/handler.js") as typeof import("./network/handler.js")).networkHandler,
);

/** `pulumi-nodejs:dynamic/virtnet:VmInterface`. */
export const vmInterface: DynamicProvider = adapt(
  () => (require("./vminterface/handler.js") as typeof import("./vminterface/handler.js")).vmInterfaceHandler,
);

const link = (kind: Kind): DynamicProvider =>
  adapt(() => (require("./hostlink/handler.js") as typeof import("./hostlink/handler.js")).linkHandler(kind));

/** `pulumi-nodejs:dynamic/virtnet:Bridge`. */
export const bridge: DynamicProvider = link("bridge");
/** `pulumi-nodejs:dynamic/virtnet:Bond`. */
export const bond: DynamicProvider = link("bond");
/** `pulumi-nodejs:dynamic/virtnet:Vlan`. */
export const vlan: DynamicProvider = link("vlan");
