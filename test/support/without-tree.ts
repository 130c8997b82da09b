/** A process of its own that works without the spanning tree of a bridge until its input ends. Arguments: the host's URI, the bridge. */
import { once } from "node:events";
import { channelOf } from "../../provider/host/channel.js";
import { withoutTree } from "../../provider/host/trees.js";

const [, , uri = "", bridge = ""] = process.argv;
const channel = channelOf(uri);
if (!channel) throw new Error(`no command can be run on ${uri}`);
void withoutTree(channel, bridge, bridge, async () => {
  console.log("off");
  process.stdin.resume();
  await once(process.stdin, "end");
}).then(() => process.exit());
