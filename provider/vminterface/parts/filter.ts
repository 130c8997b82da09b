/** A network filter of the host at the NIC, with its variables. Source: libvirt formatnwfilter. */
import * as v from "valibot";
import { list, object, required, str } from "../../schema/node.js";

// schemas/nwfilter_params.rng.
const variable = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_]+$/, 'must have letters, digits and "_" only'));
const variableValue = v.pipe(
  v.string(),
  v.regex(/^[a-zA-Z0-9_.:]+$/, 'must have letters, digits, "_", "." and ":" only'),
);

const parameter = object({
  /** Name of the variable: `IP`, `MAC`, `CTRL_IP_LEARNING` … */
  name: required(str("@name", variable)),
  /** Its value; a variable may be given several times, which makes it a list. */
  value: required(str("@value", variableValue)),
});

export const filter = object({
  /** Name of the filter on the host: `clean-traffic`. `virsh nwfilter-list` shows them. */
  name: required(str("filterref/@filter")),
  /** Values of the filter's variables. */
  parameters: list("filterref", "parameter", parameter, { key: (p) => `${p.name}=${p.value}` }),
});
