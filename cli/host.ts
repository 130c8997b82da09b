/** Which host a command works on, and what its failures say. */
import { InvalidArgumentError, Option } from "commander";
import { VirtnetError } from "../provider/handler.js";
import { type Host, hostAt } from "../provider/host/hosts.js";
import type { ErrorClass } from "../provider/libvirt/api.js";
import { LibvirtError } from "../provider/libvirt/errors.js";

export interface HostOptions {
  uri?: string;
}

export const uriOption = (): Option =>
  new Option("--uri <uri>", "the libvirt host (default: LIBVIRT_DEFAULT_URI, else qemu:///system)").argParser((uri) => {
    if (uri.trim() !== "") return uri;
    throw new InvalidArgumentError("A host has a URI such as qemu:///system; without --uri it is the default.");
  });

export const defaultUri = (): string => process.env.LIBVIRT_DEFAULT_URI || "qemu:///system";

const WAYS_OUT: Partial<Record<ErrorClass, string>> = {
  transport: "check the URI, and that libvirtd runs there",
  timeout: "check that libvirtd there answers, with virsh for example",
  auth: "run as root, or join the group libvirt",
  busy: "try again in a moment",
};

/** Work on a host; what libvirt refuses becomes one sentence with the URI. */
export async function onHost<T>(uri: string, work: (host: Host) => Promise<T>): Promise<T> {
  try {
    return await work(hostAt(uri));
  } catch (e) {
    if (!(e instanceof LibvirtError)) throw e;
    const wayOut = WAYS_OUT[e.class];
    throw new VirtnetError(`${uri}: ${e.message}${wayOut === undefined ? "" : `: ${wayOut}`}`, { cause: e });
  }
}
