/** Every field of Bond, Bridge and Vlan as a profile: a real NetworkManager takes it, and tells the same back. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { channelOf } from "../../provider/host/channel.js";
import { fieldsOf, type Kind } from "../../provider/hostlink/args.js";
import { Bus, type Settings } from "../../provider/hostlink/backends/networkmanager/bus.js";
import { readProfile, vlansOf, writeProfile } from "../../provider/hostlink/backends/networkmanager/profile.js";
import { v } from "../../provider/hostlink/backends/networkmanager/values.js";
import { readVlans, writeVlans } from "../../provider/hostlink/backends/networkmanager/vlans.js";
import { checkLink } from "../../provider/hostlink/check.js";
import type { PortVlans } from "../../provider/hostlink/vlans.js";
import { compare } from "../../provider/schema/compare.js";
import { paths } from "../../provider/schema/tree.js";
import { fullLinks } from "../support/full-links.js";
import { withNetworkManager } from "../support/networkmanager.js";

describe("a profile of NetworkManager", () => {
  const host = withNetworkManager(1);
  for (const [kind, list] of Object.entries(fullLinks) as [Kind, Inputs[]][]) {
    it(`holds every field of ${kind}, and tells it back`, async () => {
      const channel = channelOf(host().uri);
      assert.ok(channel);
      const bus = new Bus(channel);
      for (const [i, args] of list.entries()) {
        const desired = { name: `${kind}${i}`, ...args };
        assert.deepEqual(checkLink(kind, desired), []);
        const settings: Settings = {
          connection: { id: v("s", desired.name), type: v("s", kind), "interface-name": v("s", desired.name) },
        };
        writeProfile(kind, settings, desired, {});
        const add = ["/org/freedesktop/NetworkManager/Settings", "Settings.AddConnection2", "a{sa{sv}}ua{sv}"] as const;
        const path = (await bus.call(...add, [settings, 0x22, {}])) as string;
        const there = await bus.settings(path);
        // Those of ports are in the ports' own profiles.
        const ofPorts: { vlans: PortVlans | undefined }[] = [];
        for (const port of ((desired as Inputs).ports ?? []) as string[]) {
          const own: Settings = {
            connection: {
              ...{
                id: v("s", `${desired.name}-${port}`),
                type: v("s", "802-3-ethernet"),
                master: v("s", desired.name),
              },
              ...{ "interface-name": v("s", port), "slave-type": v("s", kind) },
            },
          };
          const vlans = vlansOf(desired, port);
          if (vlans) writeVlans(own, "bridge-port", vlans);
          const made = (await bus.call(...add, [own, 0x22, {}])) as string;
          ofPorts.push({ vlans: readVlans(await bus.settings(made), "bridge-port", port) });
        }
        const { ports: _ports, name: _name, ...wanted } = desired as Inputs;
        const read = () => {
          const vlans = [readVlans(there, "bridge", desired.name), ...ofPorts.map(({ vlans }) => vlans)];
          return { ...readProfile(kind, there), vlans: vlans.filter((found) => found !== undefined) };
        };
        const changes = (want: Inputs, was: Inputs) => compare(fieldsOf(kind), want, read(), was);
        assert.deepEqual(changes(wanted, {}), [], JSON.stringify(desired));
        // Removed again, all but what a profile must have, it is as if it had never been said.
        const rest = Object.fromEntries(
          Object.entries(wanted).filter(([k]) => ["mode", "parent", "vlanId"].includes(k)),
        );
        writeProfile(kind, there, rest, wanted);
        ofPorts.splice(0);
        const { mac: _mac, ...generatedKept } = wanted;
        assert.deepEqual(changes(rest, generatedKept), [], JSON.stringify(desired));
      }
      const set = new Set(list.flatMap((args) => Object.keys(args)));
      const missing = paths(fieldsOf(kind)).filter((p) => p !== "name" && !set.has(p.replace(/\[\].*/, "")));
      assert.deepEqual(missing, []);
    });
  }
});
