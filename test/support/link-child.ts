/** Makes a link and is killed before one of the plan's actions: node link-child.js URI ACTION ARGS(JSON). */

import type { Inputs } from "../../provider/handler.js";
import { channelOf } from "../../provider/host/channel.js";
import { apply } from "../../provider/hostlink/apply.js";
import { backendOf } from "../../provider/hostlink/backends/index.js";
import { observe } from "../../provider/hostlink/observe.js";
import { plan } from "../../provider/hostlink/plan.js";

async function main([uri = "", action = "", json = "{}"]: string[]): Promise<void> {
  const desired = JSON.parse(json) as Inputs;
  const channel = channelOf(uri);
  if (!channel) throw new Error(`no channel to ${uri}`);
  const backend = await backendOf(channel, undefined, uri);
  const observed = await observe(backend, channel, "bridge", { name: String(desired.name) }, desired);
  const owner = { project: "p", stack: "s", key: String(desired.name) };
  await apply(backend, channel, plan({ kind: "bridge", desired, owner }, observed), {
    before: ({ do: next }) => {
      if (next === action) process.kill(process.pid, "SIGKILL");
    },
  });
}

void main(process.argv.slice(2));
