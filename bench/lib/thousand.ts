/** Many networks on one sandboxed host, and states that hold them; made once for all benches that need them. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { network } from "../../provider/dynamic-v1.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { type Sandbox, startSandbox } from "../../sandbox/index.js";
import { providerText } from "../../sdk/provider-text.js";
import type { StateResource } from "../../test/support/stack.js";
import type { Context } from "./bench.js";
import { argsOf, BenchProgram, nameOf, project } from "./networks.js";

export interface Thousand {
  sandbox: Sandbox;
  count: number;
  /** Outputs of each network, as state keeps them. */
  outs: { id: string; outs: Record<string, unknown>; inputs: Record<string, unknown> }[];
  /** A stack whose state has them all. */
  stack(kind: { uri: string } | "idle"): Promise<BenchProgram>;
  /** For files; removed at the end. */
  dir: string;
}

let made: Promise<Thousand> | undefined;

/**
 * The networks are defined and neither run nor start with the host: 1000 running ones would take this machine minutes and
 * 1000 dnsmasq. Their states are put together from what the provider returned for each and imported: `up` of 1000 takes
 * minutes too, and is not what is measured.
 */
export function thousand(ctx: Context): Promise<Thousand> {
  made ??= make(ctx);
  return made;
}

export async function endThousand(): Promise<void> {
  const all = await made?.catch(() => undefined);
  made = undefined;
  await all?.sandbox.stop();
  if (all) fs.rmSync(all.dir, { recursive: true, force: true });
}

async function make(ctx: Context): Promise<Thousand> {
  const count = ctx.quick ? 100 : 1000;
  const sandbox = await startSandbox();
  const started = performance.now();
  const outs: Thousand["outs"] = [];
  const create = async (first: number): Promise<void> => {
    for (let n = first; n < count; n += 4) {
      const inputs = {
        ...argsOf(n),
        running: false,
        autostart: false,
        name: nameOf(n),
        uri: sandbox.uri,
        owner: { project, stack: "bench", key: nameOf(n) },
        __provider: providerText("network"),
      };
      outs[n] = { ...(await network.create(inputs)), inputs };
    }
  };
  await Promise.all([0, 1, 2, 3].map(create));
  await closeHosts();
  ctx.log(`${count} networks defined (${((performance.now() - started) / 1000).toFixed(1)} s)`);

  const stack: Thousand["stack"] = async (kind) => {
    const program = new BenchProgram(ctx.cli, kind);
    program.write({ count: 1, inactive: true });
    // A first one through the engine, on a stack of its own making: the pattern for the others.
    if (kind === "idle") await program.stack.up();
    else await program.stack.up({ args: ["--refresh=false"] });
    const { uri } = kind === "idle" ? { uri: "qemu:///idle" } : kind;
    await program.stack.editState((resources) => {
      const at = resources.findIndex((r) => r.type.includes("dynamic/virtnet:"));
      const pattern = resources[at] as StateResource;
      const many = outs.map(({ id, outs: own, inputs }, n): StateResource => {
        const changed = { uri, __provider: pattern.inputs?.__provider };
        return {
          ...pattern,
          urn: pattern.urn.replace(nameOf(0), nameOf(n)),
          id: kind === "idle" ? nameOf(n) : id,
          inputs: { ...inputs, ...changed },
          outputs: { ...own, ...changed },
        };
      });
      resources.splice(at, 1, ...many);
    });
    program.write({ count, inactive: true });
    return program;
  };
  return { sandbox, count, outs, stack, dir: fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-bench-")) };
}
