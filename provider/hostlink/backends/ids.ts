/** Which backend has made a link, by its id in the state. NetworkManager's are UUIDs; libvirt has only names. */
import type { BackendName } from "../args.js";

const LIBVIRT = "libvirt:";

export const libvirtId = (name: string): string => `${LIBVIRT}${name}`;
export const backendOfId = (id: string): BackendName => (id.startsWith(LIBVIRT) ? "libvirt" : "networkmanager");
