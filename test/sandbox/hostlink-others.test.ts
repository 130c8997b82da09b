/** Profiles and devices that others made, or took away: nothing of theirs is lost. Looked at by nmcli and ip. */
import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { type Channel, channelOf } from "../../provider/host/channel.js";
import { NetworkManager } from "../../provider/hostlink/backends/networkmanager/index.js";
import { checkLink } from "../../provider/hostlink/check.js";
import { readLinks } from "../../provider/hostlink/facts.js";
import { observe } from "../../provider/hostlink/observe.js";
import { forgetReadings } from "../../provider/hostlink/readings.js";
import { forgetLinks } from "../../provider/hostlink/run.js";
import { run } from "../../sandbox/index.js";
import { waitFor, withLan } from "../support/lan.js";
import type { Answer, Orders } from "../support/link-child.js";

const FIXED = "ipv6.method disabled ipv4.method manual ipv4.addresses";

describe("host links that are others', too", function () {
  this.timeout(600_000);
  const lan = withLan(3);
  const of = (profile: string, ...fields: string[]) => lan.nmcli("-g", fields.join(","), "connection", "show", profile);
  const remove = (...profiles: string[]) => lan.nmcli("connection", "delete", ...profiles);

  describe("a bridge that is down, made by hand", () => {
    const shown = async () => [
      await of("br5", "ipv4.addresses", "bridge.group-forward-mask", "connection.autoconnect"),
      await lan.sh("cat /etc/NetworkManager/system-connections/br5.nmconnection | grep -v ^$"),
      await lan.sh("ls /run/NetworkManager/system-connections | grep br5 || true"),
    ];
    const change = (address: string): Inputs => ({ name: "br5", addresses: { addresses: [address] } });
    const withoutIds = (text: string) => text.replace(/^(uuid|timestamp)=.*$/gm, "");
    let was: string[] = [];
    let calls: string[] = [];
    const child = async (fault?: Orders["fault"]): Promise<{ answer?: Answer; killed: boolean }> => {
      const orders: Orders = {
        uri: lan.host().uri,
        desired: { ...change("192.0.2.6/24"), adopt: true },
        ...(fault ? { fault } : {}),
      };
      const { code, stdout } = await run([
        ...[process.execPath, require.resolve("../support/link-child.js"), JSON.stringify(orders)],
      ]);
      return code === 128 + 9 ? { killed: true } : { killed: false, answer: JSON.parse(stdout) as Answer };
    };

    before("counts the calls of such a change", async () => {
      await lan.add("br5", "bridge", "br5", `${FIXED} 192.0.2.5/24 bridge.group-forward-mask 8 autoconnect no`);
      was = await shown();
      calls = (await child()).answer?.calls ?? [];
      assert.ok(calls.includes("Update2") && calls.includes("ActivateConnection"), calls.join(", "));
      assert.match((await shown())[0] ?? "", /192\.0\.2\.6\/24/);
      await remove("br5");
    });

    beforeEach("is made anew", async () => {
      await lan.add("br5", "bridge", "br5", `${FIXED} 192.0.2.5/24 bridge.group-forward-mask 8 autoconnect no`);
    });
    afterEach("goes", async () => {
      await remove("br5");
      await waitFor(async () => !(await lan.exists("br5")), 10_000);
    });

    it("is as it was after a change that failed, whichever call did", async () => {
      // The last one keeps it.
      for (let at = 1; at < calls.length; at++) {
        const { answer } = await child({ at, does: "fail-before" });
        const where = `${calls[at - 1]} (${at}): ${answer?.error}`;
        assert.match(answer?.error ?? "", /; everything is as it was$/, where);
        assert.deepEqual((await shown()).map(withoutIds), was.map(withoutIds), where);
        await waitFor(async () => !(await lan.exists("br5")), 10_000).catch(() => assert.fail(`${where}: it is up`));
      }
    });

    it("is adopted, and left behind with all that it had, after a run that was killed at any call", async () => {
      for (let at = 1; at <= calls.length; at++) {
        assert.ok((await child({ at, does: "kill-after" })).killed);
        const d = lan.drive("bridge", "br5");
        await d.up({ ...change("192.0.2.7/24"), adopt: true });
        assert.deepEqual(await lan.addresses("br5"), ["192.0.2.7/24"], calls[at - 1]);
        assert.equal((await d.refresh())?.drift, false);
        await d.destroy();
        assert.equal(await of("br5", "bridge.group-forward-mask"), "8", calls[at - 1]);
        assert.ok((await lan.onDisk()).includes("br5.nmconnection"));
        await lan.nmcli("connection", "down", "br5");
        await remove("br5");
        await lan.add("br5", "bridge", "br5", `${FIXED} 192.0.2.5/24 bridge.group-forward-mask 8 autoconnect no`);
      }
    });

    it("is not deleted by a destroy right after such a run, where it was adopted before", async () => {
      const d = lan.drive("bridge", "br5");
      await d.up({ ...change("192.0.2.7/24"), adopt: true });
      await lan.nmcli("connection", "down", "br5");
      const at = calls.indexOf("ActivateConnection") + 1;
      assert.ok((await child({ at, does: "kill-before" })).killed);
      await d.destroy();
      assert.equal(await of("br5", "bridge.group-forward-mask"), "8");
    });
  });

  it("a checkpoint of another tool stays where it is on other devices, and is waited for, and named, on the same", async () => {
    const nm = "org.freedesktop.NetworkManager";
    const bus = async (member: string, ...words: string[]) => {
      const found = await lan.sh(
        `busctl call ${nm} /org/freedesktop/NetworkManager ${nm} ${member} ${words.join(" ")}`,
      );
      return /"(.*)"/.exec(found)?.[1] ?? "";
    };
    const on = async (device: string, seconds: number) =>
      bus("CheckpointCreate", "aouu", "1", await bus("GetDeviceByIpIface", "s", device), String(seconds), "0");
    const theirs = await on("eth3", 0);
    const d = lan.drive("bridge", "br9");
    try {
      await d.up({ ports: ["eth2"] });
      assert.equal(await lan.checkpoints(), 1);
      await assert.rejects(
        d.up({ ports: ["eth2", "eth3"] }),
        new RegExp(
          `another change of eth3 waits to be kept or taken back \\(${theirs}\\): end it, with "busctl .* CheckpointRollback o ${theirs}"; nothing was changed`,
        ),
      );
      assert.deepEqual(await lan.ports("br9"), ["eth2"]);
    } finally {
      await bus("CheckpointDestroy", "o", theirs);
    }
    // One that ends by itself.
    await on("eth3", 5);
    await d.up({ ports: ["eth2", "eth3"] });
    assert.deepEqual(await lan.ports("br9"), ["eth2", "eth3"]);
    await d.destroy();
  });

  it("a Wi-Fi device of the host is no port", async () => {
    // No kernel here has any: one that sysfs shows as such, seen by what looks.
    const channel = channelOf(lan.host().uri) as Channel;
    const seen = 'mount -t tmpfs none /sys/class/net && mkdir -p /sys/class/net/eth3/phy80211 && exec "$@"';
    const found = await readLinks({
      ...channel,
      run: (argv, options) => channel.run(["unshare", "-m", "sh", "-c", seen, "sh", ...argv], options),
    });
    assert.deepEqual([found.links.get("eth3")?.wireless, found.links.get("eth2")?.wireless], [true, false]);
    const why = checkLink("bridge", { name: "br9", ports: ["eth2", "eth3"] }, { links: found.links });
    assert.deepEqual(
      why.map((f) => f.property),
      ["ports[1]"],
    );
    assert.match(why[0]?.reason ?? "", /"eth3" is a Wi-Fi device/);
  });

  it("a port by a profile made by hand is none any more at the next start, and one again when it is wanted", async () => {
    await lan.add("br6", "bridge", "br6", `${FIXED} 192.0.2.5/24`);
    await lan.add("slave", "ethernet", "eth2", "master br6");
    await lan.nmcli("connection", "up", "slave");
    await waitFor(async () => (await lan.ports("br6")).includes("eth2"), 10_000);
    const d = lan.drive("bridge", "br6");
    await d.up({ name: "br6", adopt: true, ports: [] });
    assert.deepEqual(await lan.ports("br6"), []);
    assert.equal(await of("slave", "connection.autoconnect"), "no");
    assert.equal((await d.refresh())?.drift, false);
    await lan.nmcli("connection", "reload");
    assert.equal(await of("slave", "connection.autoconnect"), "no", "on disk");
    await d.up({ name: "br6", adopt: true, ports: ["eth2"] });
    assert.deepEqual(await lan.ports("br6"), ["eth2"]);
    await lan.nmcli("connection", "reload");
    assert.equal(await of("slave", "connection.autoconnect"), "yes");
    await d.destroy();
    await remove("slave", "br6");
  });

  it("a port goes from one link to another in one up, before the first has let it go, and back to what it had before both", async () => {
    await lan.add("own", "ethernet", "eth2", `${FIXED} 192.0.2.9/24`);
    await lan.nmcli("connection", "up", "own");
    const [one, two] = [lan.drive("bridge", "br7"), lan.drive("bridge", "br8")];
    await one.up({ name: "br7", ports: ["eth2"] });
    // As in one run, in which both are checked before the first is changed.
    forgetLinks();
    await one.preview({ name: "br7", ports: [] });
    await two.up({ name: "br8", ports: ["eth2"] });
    await one.up({ name: "br7", ports: [] });
    assert.deepEqual([await lan.ports("br7"), await lan.ports("br8")], [[], ["eth2"]]);
    for (const d of [one, two]) assert.equal((await d.refresh())?.drift, false);
    assert.equal(await of("own", "connection.autoconnect"), "no");
    await two.destroy();
    assert.deepEqual(await lan.addresses("eth2"), ["192.0.2.9/24"]);
    assert.equal(await of("own", "connection.autoconnect"), "yes");
    await one.destroy();
    await remove("own");
  });

  it("a profile that a user has to himself is no reason to take a link for gone, nor to know nothing of the others", async () => {
    // Who is not root; root is told all.
    const channel = channelOf(lan.host().uri) as Channel;
    const nobody: Channel = {
      ...channel,
      run: (argv, options) => channel.run(["setpriv", "--reuid", "65534", "--clear-groups", ...argv], options),
    };
    const mine = ["connection.permissions", "user:daemon"];
    await lan.add("open", "bridge", "br6", `${FIXED} 192.0.2.5/24`);
    await lan.add("own", "ethernet", "eth2", `${FIXED} 192.0.2.9/24`);
    await lan.nmcli("connection", "up", "own");
    await lan.nmcli("connection", "modify", "own", ...mine);
    try {
      const look = (name: string, wanted: Inputs = {}) =>
        observe(new NetworkManager(nobody, "nobody's"), "bridge", { name }, wanted);
      assert.deepEqual((await look("br6")).link?.values.addresses, { addresses: ["192.0.2.5/24"] });
      assert.deepEqual((await look("br9")).link, undefined);
      const uuid = await of("own", "connection.uuid");
      await assert.rejects(
        look("br9", { ports: ["eth2"], addresses: "inherit" }),
        new RegExp(`what addresses eth2 has cannot be told: NetworkManager keeps the profile ${uuid} from this user`),
      );
      await lan.nmcli("connection", "down", "own");
      forgetReadings();
      await assert.rejects(
        look("br9"),
        /bridge "br9": whether it is there cannot be told: .*\/Settings\/\d+ .*: run as root, or let all see it/,
      );
      assert.equal((await look("br6")).link?.name, "br6");
    } finally {
      await remove("own", "open");
    }
  });

  it("goes although its port's device is gone, and it is down", async () => {
    await lan.sh("ip link add eth9 type veth peer name seg9 && ip link set seg9 up");
    const d = lan.drive("bridge", "br9");
    await waitFor(async () => (await lan.nmcli("-g", "DEVICE", "device")).includes("eth9"), 10_000);
    await d.up({ name: "br9", ports: ["eth9"] });
    await lan.nmcli("connection", "down", "br9");
    await lan.sh("ip link del eth9");
    await d.destroy();
    assert.equal(await lan.exists("br9"), false);
  });

  it("a device that comes with its own profile has its addresses back, although it was not there when the link went", async () => {
    await lan.add("tap5", "tun", "tap5", `mode tap ${FIXED} 192.0.2.9/24`);
    await lan.nmcli("connection", "up", "tap5");
    const d = lan.drive("bridge", "br9");
    await d.up({ name: "br9", ports: ["tap5"] });
    assert.match(await of("tap5", "connection.slave-type", "ipv4.addresses"), /^bridge\n?$/);
    await lan.sh("ip link del tap5");
    await waitFor(async () => !(await lan.exists("tap5")), 10_000);
    await d.destroy();
    assert.equal(await of("tap5", "connection.slave-type", "ipv4.addresses"), "192.0.2.9/24");
    await remove("tap5");
  });
});
