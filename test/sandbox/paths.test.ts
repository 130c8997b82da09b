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
import { LIVE_LISTS, RUNNING } from "../support/live-lists.js";
import { drive } from "../support/network.js";
import { another, get, impliedByAbsence, type Path, put, type Spot, spots } from "../support/paths.js";
import { daemonVersion, virsh, withSandbox } from "../support/sandbox.js";

const NO_AVERAGE = /Missing mandatory average or floor/;
/** What nobody can do behind our back, with libvirt's own reason. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(
    ["", "bridge: "].flatMap((kind) =>
      ["", "portGroups[]."].flatMap((of) =>
        ["inbound", "outbound"].map((way) => [`${kind}${of}bandwidth.${way}.average removed`, NO_AVERAGE]),
      ),
    ),
  ),
  "dns.srvs[].target removed": /port attribute not permitted without target/,
  "ips[].dhcp.hosts[].ip removed": /Missing IP address in static host definition/,
  "bridge: virtualport.type removed": /missing required virtualport type/,
};

const LEAKING: ReadonlySet<string> = new Set(["dns-host", "dns-txt", "dns-srv", "portgroup"]);

/** What somebody may do to a field behind our back. What is required, or means the same when it is absent, cannot be removed. */
function foreignTo(spot: Spot, args: Inputs): Record<string, Inputs> {
  if (spot.text === "mode" || spot.text === "name") return {};
  const value = get(args, spot.path);
  const other = another(spot, value);
  const kept = spot.required ? !spot.item : impliedByAbsence(spot, value) || spot.node.generated;
  const removed = kept ? undefined : put(args, spot.required ? (spot.item as Path) : spot.path, undefined);
  return { ...(other !== undefined ? { changed: put(args, spot.path, other) } : {}), ...(removed ? { removed } : {}) };
}

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

  /** What was done to each field by virsh, and why what was not done could not be. */
  const tried = new Set<string>();
  const refused = new Map<string, string>();
  let ran = 0;

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
        ran++;
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
          for (const [what, other] of Object.entries(foreignTo(spot, args))) {
            // Modes share their parts: a field is tried in the first mode that lets it.
            const field = `${mode === "bridge" ? "bridge: " : ""}${spot.text.replace(/\[\d+\]/g, "[]")} ${what}`;
            if (tried.has(field)) continue;
            const foreign = writeNetwork(other, args, base, undefined);
            const defined = await host().exec(["virsh", "-q", "net-define", "/dev/stdin"], { input: foreign });
            if (defined.code !== 0) {
              refused.set(field, defined.stderr.trim());
              continue;
            }
            behindOurBack();
            if ((await dump(String(args.name), "--inactive")) === right) {
              refused.set(field, "libvirt takes it and ignores it");
              continue;
            }
            assert.equal(await steps(wanted, set), 1, `${spot.text}: one step`);
            const seen = await d.refresh();
            assert.equal(seen?.drift, true, `${spot.text}: shown as drift`);
            await d.up(wanted);
            assert.equal(await dump(String(args.name), "--inactive"), right, spot.text);
            tried.add(field);
          }
        }
        await d.destroy();
      });
    }
  }

  it("leaves out no field of them, but those that libvirt itself refuses to change or remove", function () {
    if (ran < Object.values(fullArgs).flat().length) skip(this, "only some of the networks were tried");
    const left = [...refused].filter(([field]) => !tried.has(field));
    for (const [field, why] of left) assert.match(why, REFUSED[field] ?? /^$/, `${field} was never tried: ${why}`);
    assert.deepEqual(left.map(([field]) => field).sort(), Object.keys(REFUSED).sort());
  });

  // Newer daemons cannot change some of them live without leaving firewall rules behind: there the plan restarts.
  for (const mode of ["nat", "bridge"] as const) {
    it(`mode ${mode}: every live row is changed on the running network, in both definitions, without a new bridge`, async () => {
      const live = Object.entries(modes[mode].prices).filter(([, p]) => p.section !== undefined);
      const args = RUNNING[mode];
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

    it(`mode ${mode}: what virsh takes from, puts into or changes in a list of the running network alone is one step, and up brings it back`, async () => {
      const args = RUNNING[mode];
      const live = Object.entries(modes[mode].prices).filter(([, p]) => p.section !== undefined);
      assert.deepEqual(
        [...new Set(LIVE_LISTS[mode].map((l) => `${l.row} ${l.section}`))].sort(),
        live.map(([row, p]) => `${row} ${p.section}`).sort(),
        "each row that is changed live",
      );
      const d = drive(host().uri, "running");
      const bridge = async () => (await host().exec(["sh", "-c", "cat /sys/class/net/virbr*/ifindex"])).stdout;
      await d.up(args);
      const set = { ...args, ...d.state?.outs } as Inputs;
      const [right, stored] = [await dump("running"), await dump("running", "--inactive")];
      const leaks = (await host().exec(["nft", "list", "tables"])).stdout.includes("libvirt_network");
      for (const { section, parent, there, other, row } of LIVE_LISTS[mode]) {
        const at = parent === undefined ? [] : ["--parent-index", String(parent)];
        const taken = ["delete", section, there];
        const put = ["add-last", section, other];
        // One taken and another put there says as much of each list as the two by themselves.
        const alone = row === "portGroups" ? [[taken], [put]] : [];
        for (const drift of [...alone, [taken, put]]) {
          const what = `${row}: ${drift.map(([command]) => command).join(", ")}`;
          const before = await bridge();
          for (const update of drift) await virsh(host(), ["net-update", "running", ...update, "--live", ...at]);
          behindOurBack();
          assert.notEqual(await dump("running"), right, `${what}: is to be seen`);
          assert.equal(await dump("running", "--inactive"), stored, `${what}: in the running network alone`);
          assert.equal(await steps(args, set), 1, `${what}: one step`);
          assert.equal((await d.refresh())?.drift, true, `${what}: shown as drift`);
          await d.up(args);
          assert.equal(await dump("running"), right, what);
          assert.equal(await dump("running", "--inactive"), stored, what);
          if (mode === "nat")
            assert.equal((await bridge()) !== before, leaks && LEAKING.has(section), `${what} restarts it`);
        }
      }
      assert.equal((await d.refresh())?.drift, false);
      await d.destroy();
    });
  }
});
