/** What a connection says about the host and itself, on the worker's thread. */
import type { Implementation } from "../protocol.js";

export const host: Implementation<"host"> = {
  identity(n) {
    const capabilities = n.call("virConnectGetCapabilities", n.conn);
    const hostElement = /<host>([\s\S]*?)<\/host>/.exec(capabilities)?.[1] ?? "";
    return {
      hostname: n.call("virConnectGetHostname", n.conn),
      uuid: /<uuid>(.*?)<\/uuid>/.exec(hostElement)?.[1] ?? "",
      libVersion: n.daemonVersion,
      clientVersion: n.library.version,
      uri: n.call("virConnectGetURI", n.conn),
      driver: n.driver,
    };
  },
  capabilities: (n) => n.call("virConnectGetCapabilities", n.conn),
  isAlive: (n) => n.call("virConnectIsAlive", n.conn) === 1,
  callCounts: (n) => ({ ...n.counts }),
};
