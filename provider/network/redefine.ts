/** Change the stored definition of a network that may hold what its libvirt takes, but libvirt's schema does not. */
import type { Connection } from "../libvirt/api.js";
import { code, LibvirtError } from "../libvirt/errors.js";
import { child, parseXml, printXml } from "../schema/xml.js";

/**
 * Validated, so that an element the daemon does not know is refused, not dropped. Where the document that was there does not pass either
 * (`<hostname>my_host</hostname>`: virsh, Vagrant and Terraform define without validation), without: what is ours is read back (verify).
 *
 * @param base the document that `xml` was made of; undefined: all of it is ours.
 */
export async function redefine(
  c: Connection,
  xml: string,
  base: string | undefined,
): Promise<{ name: string; uuid: string }> {
  try {
    return await c.networks.define(xml);
  } catch (e) {
    if (base === undefined || !isOfSchema(e) || !(await isRefused(c, base))) throw e;
    return await c.networks.define(xml, { validate: false });
  }
}

const isOfSchema = (e: unknown): boolean => e instanceof LibvirtError && e.code === code.xmlInvalidSchema;

/**
 * Asked under a name that the schema lets through and the driver refuses next (virNetworkDefParse validates, then networkValidate
 * takes no "/"), so that nothing is defined, whatever the answer.
 */
async function isRefused(c: Connection, xml: string): Promise<boolean> {
  const root = parseXml(xml);
  const name = child(root, "name");
  if (name) name.textContent = "/";
  return await c.networks.define(printXml(root)).then(() => false, isOfSchema);
}
