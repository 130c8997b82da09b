import assert from "node:assert/strict";
import { virsh, withSandbox } from "../support/sandbox.js";
import { type StateResource, withProgram } from "../support/stack.js";
import { nicsIn, vmXml } from "../support/vms.js";

describe("pulumi with networks of a real libvirtd", () => {
  const host = withSandbox();
  const otherHost = withSandbox();
  const program = withProgram();
  const uuid = (name: string) => virsh(host(), ["net-uuid", name]);
  const xml = (name: string) => virsh(host(), ["net-dumpxml", name]);
  const exists = async (name: string) =>
    (await virsh(host(), ["net-list", "--all", "--name"])).split("\n").includes(name);
  const stackOf = (name: string, config: Record<string, string> = {}) =>
    program().stack(name, { "virtnet:uri": host().uri, ...config });
  /** The program; `Network` and `pulumi` are at hand. */
  const write = (text: string) =>
    program().write(
      "index.js",
      `const { Network, VmInterface } = require("pulumi-virtnet"); const pulumi = require("@pulumi/pulumi");\n${text}\n`,
    );
  const urn = (stack: string, name: string) =>
    `urn:pulumi:${stack}::${program().project}::pulumi-nodejs:dynamic/virtnet:Network::${name}`;

  it("uses one network's outputs as inputs of another, unknown in the preview, and never replaces because of that", async () => {
    const stack = stackOf("unknown");
    const text = (mtu: number) => `
      const a = new Network("u-a", { mode: "isolated", mtu: ${mtu} });
      new Network("u-b", { mode: "isolated", domain: { name: pulumi.interpolate\`\${a.bridgeName}.test\` } });`;
    write(text(1400));
    assert.deepEqual(await stack.plannedSteps(), { "u-a": "create", "u-b": "create" });
    await stack.up();
    const [before, b] = [await uuid("u-a"), await uuid("u-b")];
    assert.match(await xml("u-b"), /<domain name='virbr\d+\.test'/);
    write(text(1300));
    assert.deepEqual(await stack.plannedSteps(), { "u-a": "update", "u-b": "update" });
    await stack.up();
    assert.deepEqual([await uuid("u-a"), await uuid("u-b")], [before, b]);
    assert.deepEqual(await stack.drift(), {});
  });

  it("keeps the network when its resource is renamed in the program without an alias", async () => {
    const stack = stackOf("rename");
    write(`new Network("old", { mode: "isolated", name: "r-net" });`);
    await stack.up();
    const before = await uuid("r-net");
    write(`new Network("new", { mode: "isolated", name: "r-net" });`);
    await stack.up();
    assert.equal(await uuid("r-net"), before);
    assert.deepEqual(Object.keys(await stack.resources()), ["new"]);
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    assert.equal(await exists("r-net"), false);
  });

  it("keeps the network when a component around its own is wrapped in another one, also where that run ends before the old one is deleted", async () => {
    const stack = stackOf("wrap");
    const text = (around: string, fails = false) => `
      class Net extends pulumi.ComponentResource {
        constructor(name, opts) {
          super("t:Net", name, {}, opts);
          const n = new Network("n", { mode: "isolated", name: "w-net" }, { parent: this });
          new VmInterface("nic", { domain: "w-vm", network: n.name }, { parent: this });
          n.id.apply(() => { if (${fails}) throw new Error("once it is taken over"); });
        }
      }
      class Lab extends pulumi.ComponentResource {
        constructor(name, opts) { super("t:Lab", name, {}, opts); new Net("net", { parent: this }); }
      }
      class House extends pulumi.ComponentResource {
        constructor(name) { super("t:House", name); new Lab("lab", { parent: this }); }
      }
      ${around}`;
    const parents = async () =>
      ((await stack.state()).deployment.resources ?? [])
        .map((r) => r.urn.split("::")[2])
        .filter((t) => t?.endsWith("Network"));
    await virsh(host(), ["define", "/dev/stdin"], vmXml("w-vm"));
    const nics = () => nicsIn(host(), "w-vm", "network='w-net'", "--inactive");
    write(text(`new Net("net");`));
    await stack.up();
    const [before, nic] = [await uuid("w-net"), await nics()];
    assert.equal(nic.length, 1);
    write(text(`new Lab("lab");`));
    await stack.up();
    assert.deepEqual([await uuid("w-net"), await nics()], [before, nic]);
    assert.deepEqual(await parents(), ["t:Lab$t:Net$pulumi-nodejs:dynamic/virtnet:Network"]);
    assert.deepEqual(await stack.drift(), {});
    write(text(`new House("house");`, true));
    assert.match((await stack.upFails()).text, /once it is taken over/);
    assert.equal((await parents()).length, 2, "the old one is not deleted yet");
    write(text(`new House("house");`));
    await stack.up();
    assert.equal((await parents()).length, 1);
    assert.deepEqual([await uuid("w-net"), await nics()], [before, nic]);
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    assert.deepEqual([await exists("w-net"), await nics()], [false, []]);
  });

  it("keeps the network that is replaced the new one first, which is the same one", async () => {
    const stack = stackOf("first");
    const text = (mtu: number) =>
      `new Network("c-net", { mode: "isolated", mtu: ${mtu} }, { deleteBeforeReplace: false });`;
    write(text(1400));
    await stack.up();
    const before = await uuid("c-net");
    const ups = async (...args: string[]) => {
      await stack.up({ args });
      assert.equal(await uuid("c-net"), before);
      const left = ((await stack.state()).deployment.resources ?? []).filter((r) => r.urn === urn("first", "c-net"));
      assert.deepEqual(
        left.map((r) => r.id),
        [before],
      );
      assert.deepEqual(await stack.drift(), {});
    };
    await ups("--replace", urn("first", "c-net"));
    write(text(1300));
    await ups("--replace", urn("first", "c-net"));
    assert.match(await xml("c-net"), /<mtu size='1300'/);
    await stack.destroy();
    assert.equal(await exists("c-net"), false);
  });

  it("changes with --target only that network, and with --replace makes it anew", async () => {
    const stack = stackOf("target");
    const text = (mtu: number) =>
      `for (const name of ["t-a", "t-b"]) new Network(name, { mode: "isolated", mtu: ${mtu} });`;
    write(text(1400));
    await stack.up();
    write(text(1300));
    await stack.up({ args: ["--target", urn("target", "t-a")] });
    assert.match(await xml("t-a"), /<mtu size='1300'/);
    assert.match(await xml("t-b"), /<mtu size='1400'/);
    const [a, b] = [await uuid("t-a"), await uuid("t-b")];
    await stack.up({ args: ["--replace", urn("target", "t-a")] });
    assert.notEqual(await uuid("t-a"), a);
    assert.equal(await uuid("t-b"), b);
    assert.match(await xml("t-b"), /<mtu size='1300'/);
  });

  it("refuses a change costlier than maxImpact in preview and up, while refresh goes on working", async () => {
    const stack = stackOf("impact", { "virtnet:maxImpact": "live" });
    write(`new Network("i-net", { mode: "isolated", mtu: 1400 });`);
    await stack.up();
    write(`new Network("i-net", { mode: "isolated", mtu: 1300 });`);
    const preview = await stack.previewFails();
    assert.match(preview.text, /error: network "i-net": maxImpact is "live", but mtu \(restart: /);
    assert.doesNotMatch(preview.text, /\n\s+at /, "no stack");
    await stack.upFails();
    assert.match(await xml("i-net"), /<mtu size='1400'/);
    await virsh(host(), ["net-destroy", "i-net"]);
    await stack.refresh();
    assert.equal((await stack.resources())["i-net"]?.outputs?.running, false);
  });

  it("stops when the state names another host than the URI leads to", async () => {
    const stack = stackOf("host");
    write(`new Network("h-net", { mode: "isolated" });`);
    await stack.up();
    const other = "11111111-2222-3333-4444-555555555555";
    await stack.editState((resources) => {
      for (const r of resources)
        if (r.outputs?.hostUuid) Object.assign(r.outputs, { hostUuid: other, hostName: "elsewhere" });
    });
    write(`new Network("h-net", { mode: "isolated", mtu: 1300 });`);
    const name = (await host().exec(["hostname"])).stdout.trim();
    for (const run of [
      await stack.run(["preview"]),
      await stack.run(["up", "--yes", "--skip-preview"]),
      await stack.run(["refresh", "--yes", "--skip-preview"]),
      await stack.run(["destroy", "--yes", "--skip-preview"]),
    ]) {
      assert.notEqual(run.code, 0);
      assert.match(run.text, /elsewhere/);
      assert.ok(run.text.includes(name), run.text);
    }
    assert.ok(await exists("h-net"));
    assert.ok((await stack.resources())["h-net"], "it is still in the state");
  });

  it("stops where a new URI leads to another host, whose network of that name is no measure, and moves there with --replace", async () => {
    const stack = stackOf("moves");
    await otherHost().exec(["hostname", "elsewhere"]);
    const there = (args: string[], input?: string) => virsh(otherHost(), args, input);
    await there(["net-define", "/dev/stdin"], "<network><name>v-net</name><mtu size='1300'/></network>");
    const text = (mtu: number, uri: string) =>
      `new Network("v-net", { mode: "isolated", mtu: ${mtu}, uri: ${JSON.stringify(uri)} });`;
    write(text(1400, host().uri));
    await stack.up();
    const before = await uuid("v-net");
    write(text(1300, otherHost().uri));
    const says = new RegExp(
      `network "v-net" is on host \\S+ \\(.*, but ${otherHost().uri.replace(/[?+]/g, "\\$&")} is now elsewhere \\(.*pulumi up --replace`,
    );
    assert.match((await stack.previewFails()).text, says);
    assert.match((await stack.upFails()).text, says);
    // What is looked at is where the state says.
    await stack.refresh();
    assert.equal(await uuid("v-net"), before);
    await there(["net-undefine", "v-net"]);
    await stack.up({ args: ["--replace", urn("moves", "v-net")] });
    assert.equal(await exists("v-net"), false);
    assert.match(await there(["net-dumpxml", "v-net"]), /<mtu size='1300'/);
    assert.deepEqual(await stack.drift(), {});
    // A host that cannot be reached is a warning at preview.
    write(text(1400, `${otherHost().uri}-gone`));
    assert.match((await stack.preview()).text, /cannot be reached/);
    write(text(1300, otherHost().uri));
    await stack.destroy();
    assert.deepEqual(await there(["net-list", "--all", "--name"]), "");
  });

  it("refuses another stack's network, and hands it over with adopt: { from }", async () => {
    const [first, second] = [stackOf("owner-a"), stackOf("owner-b")];
    write(`new Network("o-net", { mode: "isolated" });`);
    await first.up();
    const before = await uuid("o-net");
    const refused = await second.upFails();
    assert.ok(refused.text.includes(`belongs to stack ${program().project}/owner-a`), refused.text);
    write(`new Network("o-net", { mode: "isolated", adopt: { from: "${program().project}/owner-a" } });`);
    await second.up();
    assert.equal(await uuid("o-net"), before);
    await first.destroy();
    assert.ok(await exists("o-net"), "it is not the first stack's any more");
    await second.destroy();
    assert.equal(await exists("o-net"), false);
  });

  it("adopts a network that exists only when told, changes only what differs, and releases it", async () => {
    await virsh(
      host(),
      ["net-define", "/dev/stdin"],
      `<network><name>a-net</name><mtu size='1400'/><domain name='theirs.test'/></network>`,
    );
    const before = await uuid("a-net");
    const stack = stackOf("adopt");
    write(`new Network("a-net", { mode: "isolated" });`);
    assert.match((await stack.upFails()).text, /exists already on .*adopt: true/);
    write(`new Network("a-net", { mode: "isolated", mtu: 1300, adopt: true });`);
    await stack.up();
    assert.equal(await uuid("a-net"), before);
    assert.match(await xml("a-net"), /<domain name='theirs.test'/);
    assert.match(await xml("a-net"), /<mtu size='1300'/);
    assert.match(await virsh(host(), ["net-dumpxml", "--inactive", "a-net"]), /pulumi-virtnet/);
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    assert.equal(await uuid("a-net"), before);
    assert.doesNotMatch(await virsh(host(), ["net-dumpxml", "--inactive", "a-net"]), /pulumi-virtnet/);
  });

  it("reads a state that lacks what a newer version of this package adds", async () => {
    const stack = stackOf("older");
    write(`new Network("s-net", { mode: "isolated" });`);
    await stack.up();
    await stack.editState((resources) => {
      const { outputs } = resources.find((r) => r.id && r.outputs?.uuid) as StateResource & {
        outputs: Record<string, unknown>;
      };
      for (const key of ["__virtnetState", "adopted", "upstreamRoutes", "macAddress", "hostName"]) delete outputs[key];
    });
    assert.deepEqual(await stack.drift(), {});
    write(`new Network("s-net", { mode: "isolated", mtu: 1300 });`);
    await stack.up();
    assert.match(await xml("s-net"), /<mtu size='1300'/);
    assert.equal((await stack.resources())["s-net"]?.outputs?.__virtnetState, 1);
  });

  it("refuses a subnet that the host uses already, leaves nothing behind, and makes the network once it is free", async () => {
    const stack = stackOf("start");
    await host().exec(["ip", "link", "add", "taken", "type", "bridge"]);
    await host().exec(["ip", "link", "set", "taken", "up"]);
    await host().exec(["ip", "address", "add", "10.30.1.1/24", "dev", "taken"]);
    await host().exec(["ip", "route", "replace", "10.30.1.0/24", "dev", "taken"]);
    write(`new Network("f-net", { mode: "nat", ips: [{ address: "10.30.1.1/24" }] });`);
    const failed = await stack.upFails();
    assert.match(
      failed.text,
      /f-net.*10\.30\.1\.1\/24 overlaps .*which the host has on taken|f-net.*in use by interface taken/s,
    );
    assert.equal(await exists("f-net"), false);
    await host().exec(["ip", "link", "delete", "taken"]);
    await stack.up();
    assert.match(await virsh(host(), ["net-info", "f-net"]), /Active: +yes/);
    assert.deepEqual(await stack.drift(), {});
  });

  it("makes a network again that somebody removed, and starts one that somebody stopped", async () => {
    const stack = stackOf("drift");
    write(`for (const name of ["d-gone", "d-off"]) new Network(name, { mode: "isolated" });`);
    await stack.up();
    const off = await uuid("d-off");
    for (const name of ["d-gone", "d-off"]) await virsh(host(), ["net-destroy", name]);
    await virsh(host(), ["net-undefine", "d-gone"]);
    assert.deepEqual(await stack.drift(), { "d-gone": "create", "d-off": "update" });
    const preview = await stack.preview({ args: ["--refresh"] });
    assert.match(preview.text, /running\s*: false => true/);
    await stack.up({ args: ["--refresh"] });
    for (const name of ["d-gone", "d-off"]) assert.match(await virsh(host(), ["net-info", name]), /Active: +yes/);
    assert.equal(await uuid("d-off"), off);
    assert.deepEqual(await stack.drift(), {});
  });

  it("looks up a network that is not managed here", async () => {
    await virsh(host(), ["net-define", "/dev/stdin"], "<network><name>g-net</name></network>");
    const id = await uuid("g-net");
    const stack = stackOf("get");
    write(`
      const found = Network.get("found", "${id}");
      new Network("g-b", { mode: "isolated", domain: { name: pulumi.interpolate\`\${found.name}.test\` } });
      exports.found = found;`);
    await stack.up();
    const { found } = (await stack.outputs()) as { found: Record<string, unknown> };
    assert.deepEqual([found.name, found.mode, found.uuid, found.active], ["g-net", "isolated", id, false]);
    assert.match(await xml("g-b"), /<domain name='g-net.test'/);
    assert.deepEqual(await stack.drift(), {});
    await stack.destroy();
    assert.ok(await exists("g-net"));
  });

  it("says of what is looked up and is not there that it is not, and how to find out what is", async () => {
    const stack = stackOf("get-none");
    const none = "11111111-2222-4333-8444-555555555555";
    for (const [what, tells] of [
      [`Network.get("none", "${none}")`, /no network with the UUID 1{8}-\S+ is on \S+: .*virsh net-uuid NAME/],
      [
        `VmInterface.get("none", "${none}/52:54:00:00:00:09")`,
        /no NIC 52:54:00:00:00:09 .*1{8}-\S+ is on \S+: .*virsh domuuid/,
      ],
    ] as const) {
      write(`exports.mode = ${what}.uri;`);
      for (const { text } of [await stack.previewFails(), await stack.upFails()]) assert.match(text, tells);
    }
  });

  it("says how to take over what exists, where Pulumi's import is asked for", async () => {
    const stack = stackOf("import");
    write(`new Network("i", { mode: "isolated" }, { import: "11111111-2222-4333-8444-555555555555" });`);
    assert.match((await stack.previewFails()).text, /Network "i": .*import.*adopt: true/);
  });

  it("keeps what a failed creation has left on the host, with its error: the next up repairs it, destroy removes it", async () => {
    const stack = stackOf("init");
    // dnsmasq fails, so the networks do not start; and meanwhile their definitions become files that cannot be removed.
    const fails = `#!/bin/sh
      name=$(echo "$*" | sed -n 's,.*/\\(n-[ab]\\)\\.conf.*,\\1,p')
      [ -n "$name" ] || exec /run/virtnet/dnsmasq "$@"
      mount --bind "/etc/libvirt/qemu/networks/$name.xml" "/etc/libvirt/qemu/networks/$name.xml"
      echo "dnsmasq is broken today" >&2
      exit 3`;
    const shell = async (script: string, input = "") => {
      const { code, stderr } = await host().exec(["sh", "-ec", script], { input });
      assert.equal(code, 0, stderr);
    };
    await shell(
      "cp $(command -v dnsmasq) /run/virtnet/dnsmasq; cat > /run/virtnet/fails; chmod +x /run/virtnet/fails; mount --bind /run/virtnet/fails $(command -v dnsmasq)",
      fails,
    );
    write(
      `for (const [name, n] of [["n-a", 1], ["n-b", 2]]) new Network(name, { mode: "isolated", ips: [{ address: \`10.32.\${n}.1/24\` }] });`,
    );
    const failed = await stack.upFails();
    assert.match(failed.text, /dnsmasq is broken today/);
    const left = await stack.resources();
    const ids = [await uuid("n-a"), await uuid("n-b")];
    for (const [i, name] of ["n-a", "n-b"].entries()) {
      assert.match(await virsh(host(), ["net-info", name]), /Active: +no/);
      assert.equal(left[name]?.id, ids[i]);
      assert.match(String(left[name]?.initErrors), /dnsmasq is broken today/);
      assert.equal(left[name]?.outputs?.running, false);
    }
    await shell("umount $(command -v dnsmasq); for n in n-a n-b; do umount /etc/libvirt/qemu/networks/$n.xml; done");
    await stack.destroy({ args: ["--target", urn("init", "n-b")] });
    assert.equal(await exists("n-b"), false);
    await stack.up();
    assert.equal(await uuid("n-a"), ids[0]);
    assert.notEqual(await uuid("n-b"), ids[1]);
    for (const name of ["n-a", "n-b"]) {
      assert.match(await virsh(host(), ["net-info", name]), /Active: +yes\n.*\nAutostart: +yes/);
      assert.equal((await stack.resources())[name]?.initErrors, undefined);
    }
    assert.deepEqual(await stack.drift(), {});
  });
});
