/** A bridge over the NIC through which the host is reached by ssh, from a machine outside. */
import assert from "node:assert/strict";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { driveHandler } from "../support/drive.js";
import { on, withNetworkManager } from "../support/networkmanager.js";
import { needsSshd, type SshAccess, sshTo } from "../support/ssh.js";

const HOST = "198.51.100.10";
const ROUTER = "198.51.100.1";

describe("a bridge over the NIC that carries ssh", () => {
  needsSshd();
  const host = withNetworkManager(1);
  let access: SshAccess;
  const drive = () =>
    driveHandler(linkHandler("bridge"), (args) => ({
      ...{ name: "br0", uri: access.uri, owner: { project: "p", stack: "s", key: "br0" } },
      ...args,
    }));
  const addresses = (device: string) =>
    on(host(), ["sh", "-c", `ip -br -4 addr show dev ${device} | awk '{print $3}'`]);
  const exists = async (device: string) => (await host().exec(["ip", "link", "show", "dev", device])).code === 0;

  before(async () => {
    await on(host().outside, ["ip", "addr", "add", `${ROUTER}/24`, "dev", "seg1"]);
    const how = ["ipv4.method", "manual", "ipv4.addresses", `${HOST}/24`, "ipv6.method", "disabled"];
    await on(host(), ["nmcli", "connection", "add", "type", "ethernet", "ifname", "eth1", "con-name", "lan", ...how]);
    await on(host(), ["nmcli", "connection", "up", "lan"]);
    access = await sshTo(host(), HOST);
  });
  after(() => access?.close());

  it("is made, proven by a new connection, and given back", async () => {
    const d = drive();
    await d.up({ ports: ["eth1"], addresses: "inherit" });
    assert.match(d.log.join("\n"), /eth1 carries the host's own connection: .* unless it can be reached by a new ssh/);
    assert.equal(await addresses("br0"), `${HOST}/24`);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
    assert.equal(await addresses("eth1"), `${HOST}/24`);
    assert.equal(await exists("br0"), false);
  });

  it("is taken back by the host itself where it cuts the host off", async () => {
    const d = drive();
    const wrong = { ports: ["eth1"], addresses: { addresses: ["203.0.114.10/24"] }, rollbackAfter: 30 };
    const why =
      /bridge "br0": proving that it works failed: no new connection to the host: .*; everything is as it was$/s;
    await assert.rejects(d.up(wrong), (e: Error) => why.test(e.message) || assert.fail(e.message));
    assert.equal(await addresses("eth1"), `${HOST}/24`);
    assert.equal(await exists("br0"), false, "nothing is left for the next run to remove");
    const { code } = await host().outside.exec(["ping", "-c1", "-W2", HOST]);
    assert.equal(code, 0);
    // And the right one goes through afterwards.
    await d.up({ ports: ["eth1"], addresses: "inherit" });
    assert.equal(await addresses("br0"), `${HOST}/24`);
    await d.destroy();
    assert.equal(await exists("br0"), false);
  });
});
