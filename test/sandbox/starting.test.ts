import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts, hostAt } from "../../provider/host/hosts.js";
import { drive } from "../support/network.js";
import { virsh, withSandbox } from "../support/sandbox.js";

const nat = (n: number, more: Inputs = {}): Inputs => ({
  mode: "nat",
  bridge: { stp: false },
  ips: [{ address: `10.74.${n}.1/24` }],
  ...more,
});

/** On a busy host the dnsmasq of a network that was stopped lives on for a moment, with its sockets: here that moment is made long. */
describe("a network whose old dnsmasq has not ended yet", () => {
  const host = withSandbox();
  after(() => closeHosts());

  /** Listens on port 53 of an address which nobody has, as dnsmasq does after its bridge is gone. */
  async function hold(address: string, forMs: number): Promise<ChildProcess> {
    const script = `require("node:net").createServer().listen(53, "${address}", () => console.log("listening")); setTimeout(() => process.exit(), ${forMs})`;
    const nonlocal = "net.ipv4.ip_nonlocal_bind=1";
    assert.equal((await host().exec(["sysctl", "-qw", nonlocal])).code, 0);
    const holder = spawn("nsenter", ["-t", String(host().pid), "-n", process.execPath, "-e", script]);
    const [line] = await once(holder.stdout, "data");
    assert.match(String(line), /listening/);
    return holder;
  }
  const run = async (command: string) => (await host().exec(["sh", "-c", command])).stdout.trim();
  const active = async (name: string) => /Active: +yes/.test(await virsh(host(), ["net-info", name]));

  it("is started as soon as that has", async () => {
    const d = drive(host().uri, "soon");
    await d.up(nat(1, { running: false }));
    const holder = await hold("10.74.1.1", 60_000);
    const raw = await host().exec(["virsh", "net-start", "soon"]);
    assert.match(raw.stderr, /Address already in use/, "so libvirt fails by itself");
    const up = d.up(nat(1));
    await sleep(1000);
    holder.kill();
    await up;
    assert.equal(await active("soon"), true);
    await d.destroy();
  });

  it("is seen to run, also where its name has letters beyond ASCII", async () => {
    const d = drive(host().uri, "büro");
    await d.up(nat(3));
    assert.equal((await d.refresh())?.drift, false);
    await run("for p in $(pgrep -x dnsmasq); do grep -qa büro.conf /proc/$p/cmdline && kill $p; done");
    hostAt(host().uri).changed();
    assert.equal((await d.refresh())?.inputs.intact, false);
    await d.destroy();
  });

  it("is given up after some seconds, with libvirt's reason", async () => {
    const d = drive(host().uri, "never");
    await d.up(nat(2, { running: false }));
    const holder = await hold("10.74.2.1", 60_000);
    await assert.rejects(d.up(nat(2)), /network "never": starting it failed .*Address already in use/s);
    holder.kill();
    assert.equal(await active("never"), false);
    await d.destroy();
  });
});
