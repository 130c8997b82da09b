/** Drives the VmInterface handler as the engine does. */
import { vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { type Driver, driveHandler } from "./drive.js";

export function driveNic(uri: string, key: string, owner: Partial<{ project: string; stack: string }> = {}): Driver {
  return driveHandler(vmInterfaceHandler, (args) => ({
    uri,
    owner: { project: "p", stack: "s", key, ...owner },
    ...args,
  }));
}
