/** Counts libvirt calls. */
import type { Pool } from "../../provider/libvirt/api.js";

export type Counts = Record<string, number>;

/** Calls that `work` makes on connections that are open already, by libvirt's names. */
export async function callsOf(pool: Pool, work: () => Promise<unknown>): Promise<Counts> {
  const before = await pool.callCounts();
  await work();
  const after = await pool.callCounts();
  const entries = Object.entries(after).map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)]);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}
