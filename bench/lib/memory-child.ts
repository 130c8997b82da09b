/** Reads all networks of a file as refresh does; prints the bytes a network that this process has more afterwards. */
import * as fs from "node:fs";
import { network } from "../../provider/dynamic-v1.js";
import { hostAt } from "../../provider/host/hosts.js";

async function main(): Promise<void> {
  const all = JSON.parse(fs.readFileSync(process.argv[2] ?? "", "utf8")) as {
    id: string;
    outs: Record<string, unknown>;
  }[];
  const { uri } = all[0]!.outs as { uri: string };
  // Idle: everything is loaded (a first read of a host without such a network), and the host is connected.
  const idle = "test:///default";
  const { uuid } = await hostAt(idle).identity();
  await network.read(all[0]!.id, { ...all[0]!.outs, uri: idle, hostUuid: uuid });
  await hostAt(uri).identity();
  const before = used();
  // As the engine does: all at once.
  for (const { props } of await Promise.all(all.map(({ id, outs }) => network.read(id, outs))))
    if (!props) throw new Error("not found");
  const after = used();
  console.log(
    JSON.stringify({ heap: (after.heap - before.heap) / all.length, rss: (after.rss - before.rss) / all.length }),
  );
  process.exit(0);
}

function used(): { heap: number; rss: number } {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

void main();
