/** A NIC that is there → arguments that adopt it as it is, without a difference afterwards. Pure. */
import { type Inputs, VirtnetError } from "../../provider/handler.js";
import { checkVmInterface } from "../../provider/vminterface/check.js";
import { fieldsOf, type Nic, readNic } from "../../provider/vminterface/document.js";
import { plan } from "../../provider/vminterface/plan.js";
import { SOURCES } from "../../provider/vminterface/source.js";
import type { ObservedVm } from "../../provider/vminterface/steps.js";
import { adoptOf } from "./adopt.js";
import { compact } from "./compact.js";
import { KNOWN_OF_NIC, leftovers } from "./leftovers.js";

export function importNic(vm: ObservedVm, nic: Nic, daemon: number): { args: Inputs; notes: string[] } {
  const { kind, mark } = nic;
  if (kind === undefined) {
    const type = /type=['"](\w+)['"]/.exec(nic.xml)?.[1];
    throw new VirtnetError(
      `NIC ${nic.mac} of VM ${JSON.stringify(vm.name)} is of type ${type}, which no VmInterface can be: only ${SOURCES.join(", ")}`,
    );
  }
  const notes = leftovers(fieldsOf(kind), nic.xml, KNOWN_OF_NIC).map(
    (l) => `NIC ${nic.mac}: ${l} has no field: it is kept as it is, and not in what is printed`,
  );
  const { alias: _, ...values } = compact(fieldsOf(kind), readNic(nic.xml, kind)) as Inputs;
  const { [kind]: source, mac, ...rest } = values;
  const adopt = adoptOf(mark, `NIC ${nic.mac}`, notes);
  const args: Inputs = { domain: vm.name, [kind]: source ?? {}, mac, ...rest, adopt };
  for (const f of checkVmInterface(args)) {
    const [top = ""] = f.property.split(/[.[]/);
    const needed = ["domain", "mac", "adopt", kind].includes(top);
    if (!needed && top in args) delete args[top];
    notes.push(
      needed
        ? `preview will refuse ${f.property}: ${f.reason}`
        : `NIC ${nic.mac}: ${top} is left out, and kept as it is on the host: ${f.property} ${f.reason}`,
    );
  }
  for (const s of plan({ desired: args }, { daemon, vm, carriers: {}, trees: {} }).steps)
    notes.push(
      `NIC ${nic.mac}: up will make a change (${s.kind}: ${s.why})${s.changes.length > 0 ? ` to ${s.changes.join(", ")}` : ""}`,
    );
  return { args, notes };
}

/** A name for the resource: the VM, and what the NIC is plugged into; told apart by number. */
export function resourceName(args: Inputs, taken: ReadonlySet<string>): string {
  const kind = SOURCES.find((s) => args[s] !== undefined) as string;
  const base = `${String(args.domain)}-${typeof args[kind] === "string" ? String(args[kind]) : kind}`;
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(name)) return name;
  }
}
