/** Drives the VmInterface handler as the engine does. */
import { closeHosts } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/run.js";
import { forgetNics, vmInterfaceHandler } from "../../provider/vminterface/handler.js";
import { type Driver, driveHandler } from "./drive.js";

export function driveNic(uri: string, key: string, owner: Partial<{ project: string; stack: string }> = {}): Driver {
  return driveHandler(vmInterfaceHandler, (args) => ({
    uri,
    owner: { project: "p", stack: "s", key, ...owner },
    ...args,
  }));
}

/** What a process of its own would know: nothing yet. */
export function newRun(): Promise<void> {
  forgetNics();
  forgetRun();
  return closeHosts();
}
