import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { modes } from "../../provider/network/args.js";
import { fieldsOf, writeNetwork } from "../../provider/network/document.js";
import { observe } from "../../provider/network/observe.js";
import type { Mode } from "../../provider/network/parts/forward.js";
import { plan } from "../../provider/network/plan.js";
import { priceOf } from "../../provider/network/prices.js";
import { version } from "../../provider/network/rules/known.js";
import { forgetRun } from "../../provider/network/run.js";
import { skip } from "../skip.js";
import { fullArgs } from "../support/full-args.js";
import { drive } from "../support/network.js";
import { another, get, impliedByAbsence, put, spots } from "../support/paths.js";
import { daemonVersion, virsh, withSandbox } from "../support/sandbox.js";

const LEAKING: ReadonlySet<string> = new Set(["dns-host", "dns-txt", "dns-srv", "portgroup"]);

/**
 * Networks are stopped here, so that every field of libvirt's format can be tried whether or not this host could start it
 * (firewalld, sch_sfq, SR-IOV); what is live is tried on running ones below.
 */
describe("every schema path, on a real libvirtd", () => {
  const host = withSandbox();
  after(() => closeHosts());
  before("makes the devices that the arguments name", async () => {
    const nics = Array.from({ length: 8 }, (_, i) => `ip link add eth${i} type veth peer name peer${i}`);
    const bridges = ["br0", "br0x", "br1", "ovsbr0", "mido0", "nosuch0", "nosuch1", "up1"].map(
      (b) => `ip link add ${b} type bridge`,
    );
    const { code, stderr } = await host().exec(["sh", "-ec", [...nics, ...bridges].join("\n")]);
    assert.equal(code, 0, stderr);
  });
  // Lines in order of the alphabet: what was taken away and put back may stand in another place.
  const dump = async (name: string, ...flags: string[]) =>
    (await virsh(host(), ["net-dumpxml", name, ...flags]))
      .replace(/<forward dev='[^']*'/, "<forward")
      .split("\n")
      .sort()
      .join("\n");
  const behindOurBack = () => {
    hostAt(host().uri).changed();
    forgetRun();
  };

  const tried = new Set<string>();

  async function steps(desired: Inputs, was: Inputs): Promise<number> {
    const observed = await hostAt(host().uri).pool.use((c) =>
      observe(c, { name: String(desired.name) }, { nics: false }),
    );
    return plan({ desired, was }, observed).steps.length;
  }

  for (const mode of Object.keys(modes) as Mode[]) {
    for (const { args, since } of fullArgs[mode]) {
      const wanted = { ...args, running: false, autostart: false };
      it(`${String(args.name)}: what virsh changes or removes is one step, and up brings it back`, async function () {
        const daemon = await daemonVersion(host());
        if (since !== undefined && since > daemon) skip(this, `libvirt ${version(since)} knows it, this one not yet`);
        const possible = await host().exec(["virsh", "-q", "net-define", "/dev/stdin"], {
          input: writeNetwork(args, undefined, undefined, undefined),
        });
        if (possible.code !== 0 && /SR-IOV/.test(possible.stderr))
          skip(this, "libvirt defines virtual functions only where the hardware is (SR-IOV)");
        await virsh(host(), ["net-undefine", String(args.name)]);
        const d = drive(host().uri, String(args.name));
        await d.up(wanted);
        const right = await dump(String(args.name), "--inactive");
        const base = await virsh(host(), ["net-dumpxml", String(args.name), "--inactive"]);
        assert.equal(await d.up(wanted), false, "a second up changes nothing");
        assert.equal((await d.refresh())?.drift, false, "no noise after up");
        const set = { ...wanted, ...d.state?.outs } as Inputs;
        for (const spot of spots(fieldsOf(mode), args)) {
          if (spot.text === "mode" || spot.text === "name") continue;
          // Modes share their parts: a field is tried in the first mode that has it.
          const field = `${spot.text.replace(/\[\d+\]/g, "[]")} ${mode === "bridge"}`;
          if (tried.has(field)) continue;
          tried.add(field);
          const value = get(args, spot.path);
          const gone = spot.required
            ? spot.item
              ? put(args, spot.item, undefined)
              : undefined
            : impliedByAbsence(spot, value) || spot.node.generated
              ? undefined
              : put(args, spot.path, undefined);
          for (const other of [put(args, spot.path, another(spot, value)), gone]) {
            if (other === undefined) continue;
            const foreign = writeNetwork(other, args, base, undefined);
            // Some single removals are no valid network for libvirt: it refuses them before we could see them.
            const defined = await host().exec(["virsh", "-q", "net-define", "/dev/stdin"], { input: foreign });
            if (defined.code !== 0) continue;
            behindOurBack();
            // Some it takes and ignores (a trunk that is none in spite of several tags).
            if ((await dump(String(args.name), "--inactive")) === right) continue;
            assert.equal(await steps(wanted, set), 1, `${spot.text}: one step`);
            const seen = await d.refresh();
            assert.equal(seen?.drift, true, `${spot.text}: shown as drift`);
            await d.up(wanted);
            assert.equal(await dump(String(args.name), "--inactive"), right, spot.text);
          }
        }
        await d.destroy();
      });
    }
  }

  // Newer daemons cannot change some of them live without leaving firewall rules behind: there the plan restarts.
  for (const mode of ["nat", "bridge"] as const) {
    it(`mode ${mode}: every live row is changed on the running network, in both definitions, without a new bridge`, async () => {
      const live = Object.entries(modes[mode].prices).filter(([, p]) => p.section !== undefined);
      const args: Inputs =
        mode === "nat"
          ? {
              mode,
              name: "running",
              bridge: { stp: false },
              portGroups: [{ name: "a" }],
              dns: {
                hosts: [{ ip: "10.71.0.7", hostnames: ["seven"] }],
                txts: [{ name: "t", value: "v" }],
                srvs: [{ service: "ldap", protocol: "tcp", domain: "x.test", target: "l.x.test", port: 389 }],
              },
              ips: [
                {
                  address: "fd00:71::1/64",
                  dhcp: {
                    ranges: [{ start: "fd00:71::10", end: "fd00:71::20" }],
                    hosts: [{ name: "v6", ip: "fd00:71::5" }],
                  },
                },
                {
                  address: "10.71.0.1/24",
                  dhcp: {
                    ranges: [{ start: "10.71.0.10", end: "10.71.0.99", lease: { expiry: 5 } }],
                    hosts: [{ mac: "52:54:00:aa:aa:01", name: "web", ip: "10.71.0.5" }],
                  },
                },
              ],
            }
          : {
              mode,
              name: "running",
              macvtap: { mode: "bridge", interfaces: ["up0", "nosuch0"] },
              portGroups: [{ name: "a" }],
            };
      const d = drive(host().uri, "running");
      const devices = async () => (await host().exec(["sh", "-c", "cat /sys/class/net/*/ifindex | sort -n"])).stdout;
      await d.up(args);
      // On nftables a live change of these leaves firewall rules behind (firewall.test.ts): there the plan restarts.
      const leaks = (await host().exec(["nft", "list", "tables"])).stdout.includes("libvirt_network");
      const started = await devices();
      const tried = new Set<string>();
      for (const spot of spots(fieldsOf(mode), args)) {
        const row = spot.text.replace(/\[\d+\]/g, "[]");
        const [covering] = live
          .map(([r]) => r)
          .filter((r) => row === r || row.startsWith(`${r}.`) || row.startsWith(`${r}[`))
          .sort((a, b) => b.length - a.length);
        if (!covering || priceOf(modes[mode].prices, row).section === undefined) continue;
        tried.add(covering);
        const changed = put(args, spot.path, another(spot, get(args, spot.path)));
        if ((await d.check(changed)).length > 0) continue;
        const before = await devices();
        await d.up(changed);
        // Told by the bridge, which a restart makes anew; a network of mode bridge has none of its own.
        const { section } = priceOf(modes[mode].prices, row);
        if (mode === "nat")
          assert.equal(
            (await devices()) !== before,
            leaks && LEAKING.has(section as string),
            `${spot.text} restarts it`,
          );
        else assert.doesNotMatch(d.log.join("\n"), /restarts it/, spot.text);
        await d.up(args);
        assert.equal((await d.refresh())?.drift, false, spot.text);
      }
      assert.deepEqual([...tried].sort(), live.map(([r]) => r).sort());
      if (!leaks || mode === "bridge") assert.equal(await devices(), started, "no device was made anew");
      await d.destroy();
    });
  }
});
