/** What a run tells its user. */
import type { Inputs } from "../handler.js";
import type { HostIdentity } from "../libvirt/api.js";
import { REPLUG_TAKES } from "../network/prices.js";
import { sourceOf } from "./source.js";
import type { ObservedVm, Plan } from "./steps.js";

export const label = (inputs: Inputs): string => `NIC ${String(inputs.mac)} of VM ${JSON.stringify(inputs.domain)}`;

/** The resource's id. */
export const idOf = (vm: { uuid: string }, mac: unknown): string => `${vm.uuid}/${String(mac).toLowerCase()}`;

/** One line a changed NIC; undefined where nothing of a running VM is touched, and nothing is changed. */
export function priceLine(p: Plan): string | undefined {
  const parts = p.steps
    .filter((s) => s.kind !== "plug" && s.kind !== "mark")
    .map((s) => {
      const what = s.changes.length > 0 ? `${s.changes.join(", ")}: ` : "";
      if (s.kind === "replug")
        return `${what}unplugs this NIC of ${s.affects.join(", ")} and plugs it again, with its MAC: gone for ${REPLUG_TAKES} (${s.why})`;
      return `${what}${s.impact === "live" || s.kind === "join" ? "changed live" : "no effect on the running VM"} (${s.why})`;
    });
  // What runs is changed and stored alike: said once.
  const running = parts.filter((t) => !t.includes("no effect on the running VM"));
  const told = running.length > 0 ? running : parts;
  return told.length > 0 ? `NIC ${p.mac} of VM ${p.domainName}: ${told.join("; ")}` : undefined;
}

/** The VM of the state has another name now. @param named the VM that `domain` names, where there is one. */
export function renamedTo(olds: Inputs, domain: unknown, { name }: { name: string }, named?: { uuid: string }): string {
  const [asked, is] = [JSON.stringify(domain), JSON.stringify(name)];
  return named === undefined
    ? `VM ${asked} is called ${is} now, and has the NIC: set domain to that`
    : `VM ${asked} is another one now (${named.uuid}), and the one that has the NIC is called ${is} (${String(olds.domainUuid)}): set domain to ${is} to leave the NIC there; to have it in ${asked}, unplug it first ("virsh detach-interface ${String(olds.domainUuid)} ${sourceOf(olds)} --mac ${String(olds.mac)} --persistent") and run this again`;
}

/** The VM of the state has another UUID now. */
export function madeAnew(olds: Inputs, vm: ObservedVm, host: HostIdentity, times: number): string {
  const again = times > 1 ? ` for the ${times === 2 ? "2nd" : times === 3 ? "3rd" : `${times}th`} time` : "";
  const advice = times > 1 ? ", but the two programs undo each other's work: see docs/vm-interfaces.md" : "";
  const was = vm.uuid === olds.domainUuid ? "" : `, it was ${String(olds.domainUuid)}`;
  return `${label(olds)}: another program has made the VM anew on ${host.hostname}${again} (it is ${vm.uuid} now${was}), without this NIC: up plugs it in again${advice}`;
}
