/** What `virtnet plan` prints; documented for users in docs/cli.md. Fields are only ever added. */

import type { Step as LinkStep } from "../../provider/hostlink/steps.js";
import type { Impact } from "../../provider/network/prices.js";
import type { Step } from "../../provider/network/steps.js";
import type { Mark } from "../../provider/ownership.js";
import type { Step as NicStep } from "../../provider/vminterface/steps.js";

export interface PlanReport {
  kind: string;
  /** On the host; of a NIC, the VM and the MAC: `web/52:54:00:12:34:56`. */
  name: string;
  host: { uri: string; name: string; uuid: string };
  /** Whether the object is there already. */
  exists: boolean;
  /** The mark that the object carries; null: nobody's. */
  owner: Mark | null;
  /** The costliest step. */
  impact: Impact;
  /** Why `maxImpact` forbids it; null: it does not. */
  refused: string | null;
  /** In the order in which they are done; none: it is as wanted. */
  steps: (Step | NicStep | (LinkStep & { affects: readonly string[] }))[];
}
