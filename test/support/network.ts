/** Drives the Network handler as the engine does. */
import { networkHandler } from "../../provider/network/handler.js";
import { type Driver, driveHandler } from "./drive.js";

export function drive(uri: string, key: string, owner: Partial<{ project: string; stack: string }> = {}): Driver {
  return driveHandler(networkHandler, (args) => ({
    name: key,
    uri,
    owner: { project: "p", stack: "s", key, ...owner },
    ...args,
  }));
}
