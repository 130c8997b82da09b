/** Read back what was written: libvirt answers success for changes that it ignored. */
import { type Inputs, VirtnetError } from "../handler.js";
import type { Connection, NetworkInfo, Ref } from "../libvirt/api.js";
import { compare } from "../schema/compare.js";
import { modes } from "./args.js";
import { fieldsOf, readNetwork } from "./document.js";
import type { Mode } from "./parts/forward.js";
import { priceOf } from "./prices.js";

export async function verify(c: Connection, ref: Ref, desired: Inputs, was: Inputs | undefined): Promise<NetworkInfo> {
  const info = await c.networks.get(ref);
  const name = JSON.stringify(desired.name);
  if (!info)
    throw new VirtnetError(`network ${name}: it is gone right after it was changed: another program removed it`);
  const wrong = stillWrong(info, desired, was);
  if (wrong.length > 0) throw new VirtnetError(`network ${name}: libvirt answered success, but ${wrong.join("; ")}`);
  return info;
}

/** What differs from the wish, in words. */
export function stillWrong(info: NetworkInfo, desired: Inputs, was: Inputs | undefined): string[] {
  const mode = desired.mode as Mode;
  const fields = fieldsOf(mode);
  const table = modes[mode].prices;
  const copies = [
    { what: "the stored definition", xml: info.inactiveXml },
    // With apply "next-restart" the running one may lag behind.
    ...(info.liveXml !== undefined && desired.apply !== "next-restart"
      ? [{ what: "the running network", xml: info.liveXml, live: true }]
      : []),
  ];
  const wrong = copies.flatMap(({ what, xml, ...live }) =>
    compare(fields, desired, readNetwork(xml, mode).values, was)
      .filter((c) => !(live as { live?: boolean }).live || !priceOf(table, c.row).storedOnly)
      .map(
        (c) =>
          `${c.path} of ${what} is ${JSON.stringify(c.from) ?? "not set"} instead of ${JSON.stringify(c.to) ?? "not set"}`,
      ),
  );
  if ((desired.running !== false) !== info.active) wrong.push(info.active ? "it runs" : "it does not run");
  if ((desired.autostart !== false) !== info.autostart) wrong.push(`autostart is ${info.autostart ? "on" : "off"}`);
  return wrong;
}
