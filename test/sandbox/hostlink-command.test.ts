/** A host that is reached neither locally nor by ssh: by TCP, and by a command that is configured. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { channelOf } from "../../provider/host/channel.js";
import { configuredCommand, knock } from "../../provider/host/command.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { linkHandler } from "../../provider/hostlink/handler.js";
import { forgetReadings } from "../../provider/hostlink/readings.js";
import { argsOf } from "../../provider/hostlink/state.js";
import { HOST, withLan } from "../support/lan.js";

describe("a command that is configured", function () {
  this.timeout(120_000);
  const lan = withLan(1);
  let dir = "";
  /** The sandbox's libvirt by a path that tells nothing of where it is, as a forwarded socket. */
  let uri = "";
  before(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-command-"));
    uri = `qemu+unix:///system?socket=${dir}/sock`;
    fs.symlinkSync(`/proc/${lan.host().pid}/root/run/libvirt/libvirt-sock`, path.join(dir, "sock"));
    process.env.VIRTNET_COMMAND = JSON.stringify([
      ...["sh", "-c", 'echo >> "$0"; exec "$@"', path.join(dir, "commands")],
      "nsenter",
      "-t",
      String(lan.host().pid),
      "-n",
      "-m",
      "-p",
      "-r",
      "--",
      "sh",
    ]);
  });
  after(async () => {
    delete process.env.VIRTNET_COMMAND;
    if (dir !== "") fs.rmSync(dir, { recursive: true });
    await closeHosts();
  });

  it("runs programs there, whatever their words hold", async () => {
    const channel = channelOf(uri);
    assert.equal(channel?.by, "command");
    const words = ["a b", "$HOME", "'", "`id`", ""];
    assert.equal((await channel?.run(["printf", "%s\\n", ...words]))?.stdout, words.map((w) => `${w}\n`).join(""));
    assert.ok((await channel?.devices())?.masters.has("eth1"));
  });

  it("is the way by which a bridge is made over the management NIC, and given back", async () => {
    const d = lan.drive("bridge", "br0", { uri });
    await d.up({ ports: ["eth1"], addresses: "inherit" });
    assert.match(d.log.join("\n"), /unless it can be reached by a new connection/);
    assert.deepEqual(await lan.addresses("br0"), [`${HOST}/24`]);
    assert.equal((await d.refresh())?.drift, false);
    await d.destroy();
    assert.equal(await lan.exists("br0"), false);
  });

  it("is run once for all links that a run looks at, and anew for what is written, and after that", async () => {
    const bridges = ["br1", "br2", "br3"].map((name) => lan.drive("bridge", name, { uri }));
    for (const d of bridges) await d.up({});
    const { read, update, delete: remove } = linkHandler("bridge");
    const ctx = { log: () => {} };
    const looks = () =>
      Promise.all(
        bridges.map((d) => d.state && read(ctx, d.state.id, d.state.outs).then((found) => found?.inputs.mtu)),
      );
    forgetReadings();
    fs.rmSync(path.join(dir, "commands"));
    assert.deepEqual(await looks(), [undefined, undefined, undefined]);
    assert.deepEqual(await looks(), [undefined, undefined, undefined]);
    // Whether NetworkManager is there, the links, and what NetworkManager has of them.
    assert.equal(fs.readFileSync(path.join(dir, "commands"), "utf8"), "\n\n\n");
    const [one, two, three] = bridges.map((d) => d.state);
    assert.ok(one && two && three);
    one.outs = (await update(ctx, one.id, one.outs, { ...argsOf(one.outs), mtu: 1400 })).outs;
    assert.equal((await looks())[0], 1400);
    // The reading that is at hand still has it.
    await lan.nmcli("connection", "delete", "br3");
    await remove(ctx, three.id, three.outs);
    assert.equal(await read(ctx, three.id, three.outs), undefined);
    if (bridges[2]) bridges[2].state = undefined;
  });

  it("names the host of the URI, and libvirt's port there must take a new connection", async () => {
    const words = '["ssh", "admin@{host}", "sh"]';
    assert.deepEqual(configuredCommand("qemu+tls://[2001:db8::5]/system", words), ["ssh", "admin@2001:db8::5", "sh"]);
    assert.deepEqual(configuredCommand("qemu+tcp://host1:99/system", words), ["ssh", "admin@host1", "sh"]);
    assert.equal(configuredCommand("qemu+tcp://host1/system", ""), undefined);
    assert.throws(
      () => configuredCommand("qemu://host1/system", "ssh host1"),
      /VIRTNET_COMMAND .* write a JSON list of words/,
    );
    assert.match(
      (await knock("qemu+tcp://127.0.0.1:1/system", 2000)) ?? "",
      /libvirt at 127\.0\.0\.1 port 1: .*ECONNREFUSED/,
    );
    assert.equal(await knock(uri, 2000), undefined);
  });
});
