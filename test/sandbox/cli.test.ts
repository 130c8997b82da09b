import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import ts from "typescript";
import { programOf } from "../../cli/import/program.js";
import { network } from "../../cli/kinds/network.js";
import type { PlanReport } from "../../cli/kinds/report.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { fieldsOf, readNetwork, writeNetwork } from "../../provider/network/document.js";
import type { Mode } from "../../provider/network/parts/forward.js";
import { canonOf } from "../../provider/schema/tree.js";
import { fullArgs } from "../support/full-args.js";
import { repository } from "../support/repository.js";
import { startNetwork, virsh, withSandbox } from "../support/sandbox.js";
import { type RunOptions, virtnet } from "../support/virtnet.js";

/** As people write them by hand and find them in guides: name → XML. */
const byHand: Record<string, string> = {
  default: `<network><name>default</name><forward mode='nat'/><bridge name='virbr0' stp='on' delay='0'/>
    <mac address='52:54:00:AB:CD:EF'/>
    <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip></network>`,
  "lab-nat.1": `<network ipv6='yes' xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>lab-nat.1</name>
    <metadata><inv:record xmlns:inv='https://example.org/inventory' rack="r &amp; 1"><inv:owner>net team</inv:owner></inv:record></metadata>
    <forward><nat ipv6='yes'><port start='1024' end='60000'/></nat></forward><bridge name='labbr1' stp='off' delay='2'/>
    <domain name='lab.example.org' localOnly='yes'/>
    <dns forwardPlainNames='no'><forwarder addr='203.0.113.53'/><txt name='note' value='a note'/>
      <srv service='ldap' protocol='tcp' domain='lab.example.org' target='ldap.lab.example.org' port='389' priority='0' weight='0'/>
      <host ip='10.51.0.9'><hostname>a</hostname><hostname>b</hostname></host></dns>
    <ip address='10.51.0.1' netmask='255.255.0.0' localPtr='yes'><dhcp><range start='10.51.0.10' end='10.51.0.90'><lease expiry='60' unit='minutes'/></range>
      <host mac='52:54:00:AA:BB:0C' name='web' ip='10.51.0.20'/></dhcp></ip>
    <ip family='ipv6' address='fd00:0051:0000:0000:0000:0000:0000:0001' prefix='64'/>
    <dnsmasq:options><dnsmasq:option value='log-queries'/><dnsmasq:option value='dhcp-option=option:ntp-server,10.0.0.1'/></dnsmasq:options></network>`,
  routed: `<network><name>routed</name><forward mode='route' dev='up0'/><ip address='10.52.0.1' netmask='255.255.255.128'/>
    <ip family='ipv6' address='FD00:52::1' prefix='64'><dhcp><range start='FD00:52::0100' end='fd00:52:0::1ff'/></dhcp></ip>
    <route address='10.53.0.0' netmask='255.255.255.0' gateway='10.52.0.2' metric='2'/></network>`,
  open: `<network><name>open</name><forward mode='open'/><mtu size='9000'/><ip address='10.54.0.1' prefix='24'/></network>`,
  closed: `<network><name>closed</name><bridge name='closed0'/><ip address='10.55.0.1' netmask='255.255.255.0'/></network>`,
  "no address": `<network><name>no address</name><bridge name='bare0'/></network>`,
  lan: `<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/>
    <portgroup name='staff' default='yes'><bandwidth><inbound average='1000' peak='5000' burst='1024'/></bandwidth></portgroup></network>`,
  macvtap: `<network connections='1'><name>macvtap</name><forward dev='up0' mode='private'><interface dev='up0'/></forward></network>`,
  vfs: `<network><name>vfs</name><forward mode='hostdev' managed='yes'><driver name='vfio'/><pf dev='eth7'/></forward></network>`,
};
const running = ["lab-nat.1", "routed", "open", "no address"];

const importOf = async (uri: string, name: string) => {
  const [imported, ...more] = await network.import(uri, name);
  assert.ok(imported);
  assert.deepEqual(more, []);
  return imported;
};

describe("virtnet on a real host", () => {
  const host = withSandbox();
  const run = (args: string[], options: RunOptions = {}) =>
    virtnet(args, { ...options, env: { LIBVIRT_DEFAULT_URI: host().uri } });
  const plan = async (input: unknown) => {
    const { stdout, stderr, code } = await run(["plan", "-"], { input: JSON.stringify(input) });
    assert.deepEqual([stderr, code], ["", 0]);
    return JSON.parse(stdout) as unknown;
  };
  const stored = (name: string) => virsh(host(), ["net-dumpxml", "--inactive", name]);

  before(async function () {
    this.timeout(60_000);
    for (const name of ["br0", "eth7"]) await host().exec(["ip", "link", "add", name, "type", "bridge"]);
    for (const [name, xml] of Object.entries(byHand)) {
      if (running.includes(name)) await startNetwork(host(), name, xml);
      else await virsh(host(), ["net-define", "/dev/stdin"], xml);
    }
    await virsh(host(), ["net-autostart", "open"]);
  });
  after(closeHosts);

  it("imports networks of every kind, as they are spelt by hand, without a difference afterwards", async () => {
    const imported = [];
    for (const name of Object.keys(byHand)) {
      const { args, notes } = await importOf(host().uri, name);
      assert.deepEqual(notes, [], name);
      imported.push({ kind: "Network", ...args });
    }
    const plans = (await plan(imported)) as PlanReport[];
    assert.equal(plans.length, imported.length);
    for (const p of plans)
      assert.deepEqual([p.name, p.exists, p.owner, p.impact, p.steps], [p.name, true, null, "none", []]);
  });

  it("prints arguments as a user would write them", async () => {
    const { stdout, stderr, code } = await run(["import", "network", "default", "--format", "json"]);
    assert.deepEqual([stderr, code], ["", 0]);
    assert.deepEqual(JSON.parse(stdout), {
      kind: "Network",
      name: "default",
      mode: "nat",
      ips: [{ address: "192.168.122.1/24", dhcp: { ranges: [{ start: "192.168.122.2", end: "192.168.122.254" }] } }],
      running: false,
      autostart: false,
      adopt: true,
    });
    const lab = (await importOf(host().uri, "lab-nat.1")).args;
    assert.deepEqual(
      [lab.bridge, lab.dnsmasqOptions, lab.metadata],
      [
        { name: "labbr1", stp: false, delay: 2 },
        ["log-queries", "dhcp-option=option:ntp-server,10.0.0.1"],
        [
          {
            namespace: "https://example.org/inventory",
            prefix: "inv",
            element: { name: "record", attributes: { rack: "r & 1" }, children: [{ name: "owner", text: "net team" }] },
          },
        ],
      ],
    );
    const open = (await importOf(host().uri, "open")).args;
    assert.deepEqual(open, { name: "open", mode: "open", ips: [{ address: "10.54.0.1/24" }], mtu: 9000, adopt: true });
  });

  it("prints programs that compile", async function () {
    this.timeout(120_000);
    const dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-import-")));
    try {
      fs.mkdirSync(path.join(dir, "node_modules/@pulumi"), { recursive: true });
      fs.symlinkSync(repository, path.join(dir, "node_modules/pulumi-virtnet"));
      fs.symlinkSync(
        path.join(repository, "node_modules/@pulumi/pulumi"),
        path.join(dir, "node_modules/@pulumi/pulumi"),
      );
      const files: string[] = [];
      const uri = host().uri;
      for (const name of Object.keys(byHand)) {
        files.push(path.join(dir, `${files.length}.mts`));
        const { args } = await importOf(uri, name);
        fs.writeFileSync(files.at(-1) as string, programOf("Network", [{ resource: name, args: { ...args, uri } }]));
      }
      const last = Object.keys(byHand).at(-1) as string;
      const { stdout, stderr, code } = await run(["import", "network", last, "--uri", uri]);
      assert.deepEqual([stderr, code], ["", 0]);
      assert.equal(stdout, fs.readFileSync(files.at(-1) as string, "utf8"));
      const options: ts.CompilerOptions = {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
        strict: true,
        skipLibCheck: true,
        noEmit: true,
        types: ["node"],
        typeRoots: [path.join(repository, "node_modules/@types")],
      };
      const faults = ts.getPreEmitDiagnostics(ts.createProgram(files, options));
      assert.deepEqual(
        faults.map((d) => ts.flattenDiagnosticMessageText(d.messageText, "\n")),
        [],
      );
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  });

  for (const mode of Object.keys(fullArgs) as Mode[]) {
    it(`imports every field of mode ${mode} as it was written`, async () => {
      const major = /daemon: [a-zA-Z ]*(\d+)/.exec(await virsh(host(), ["version", "--daemon"]))?.[1];
      const daemon = 1_000_000 * Number(major);
      for (const { args, since = 0 } of fullArgs[mode]) {
        // libvirt takes addresses of virtual functions that the machine has, and this one has none.
        if (since > daemon || (args.hostdev as { addresses?: unknown } | undefined)?.addresses) continue;
        await virsh(host(), ["net-define", "/dev/stdin"], network.xml(args));
        const name = String(args.name);
        const imported = await importOf(host().uri, name);
        // Only what the host lacks: br0, eth1 and the like.
        assert.deepEqual(
          imported.notes.filter((n) => !n.includes("is no device of the host")),
          [],
          name,
        );
        const fields = fieldsOf(mode);
        const { mac: _, ...wanted } = canonOf(fields, args) as Record<string, unknown>;
        assert.deepEqual(canonOf(fields, imported.args), wanted, name);
        assert.deepEqual([imported.args.running, imported.args.autostart], [false, false]);
        await virsh(host(), ["net-undefine", name]);
      }
    });
  }

  it("says which network is not there, and where to look", async () => {
    for (const args of [
      ["import", "network", "nope"],
      ["disown", "network", "nope"],
    ]) {
      const { stdout, stderr, code } = await run(args);
      assert.deepEqual([stdout, code], ["", 1]);
      assert.match(stderr, /^virtnet: network "nope" is not on [^\n]+net-list --all" shows what is\n$/);
    }
  });

  describe("plan", () => {
    const change = async (edit: (args: Record<string, unknown>) => void) => {
      const { args } = await importOf(host().uri, "lab-nat.1");
      const copy = structuredClone(args);
      edit(copy);
      return { kind: "Network", ...copy };
    };
    const withHost = (args: Record<string, unknown>) => {
      const [ip] = args.ips as { dhcp: { hosts: object[] } }[];
      ip?.dhcp.hosts.push({ mac: "52:54:00:00:00:02", ip: "10.51.0.21" });
    };
    const restart = (args: Record<string, unknown>) => {
      args.bridge = { name: "labbr1", stp: true, delay: 2 };
    };

    it("of a live change is one step with its price", async () => {
      const p = (await plan(await change(withHost))) as PlanReport;
      assert.deepEqual(Object.keys(p), ["kind", "name", "host", "exists", "owner", "impact", "refused", "steps"]);
      assert.deepEqual(
        [p.kind, p.name, p.exists, p.owner, p.impact, p.refused],
        ["Network", "lab-nat.1", true, null, "live", null],
      );
      assert.deepEqual(p.host, { uri: host().uri, name: host().name, uuid: host().hostUuid });
      const [step, ...more] = p.steps;
      assert.deepEqual(more, []);
      assert.deepEqual(
        [step?.kind, step?.impact, step?.changes, step?.affects],
        ["update", "live", ["ips[0].dhcp.hosts[1]"], []],
      );
      assert.ok((step?.why ?? "") !== "");
    });

    it("of a costly change is a restart, refused with exit code 1 where maxImpact forbids it", async () => {
      const wanted = await change(restart);
      const p = (await plan(wanted)) as PlanReport;
      assert.deepEqual([p.impact, p.refused, p.steps.map((s) => s.kind)], ["restart", null, ["restart"]]);
      const { stdout, stderr, code } = await run(["plan", "-"], {
        input: JSON.stringify({ ...wanted, maxImpact: "live" }),
      });
      assert.equal(code, 1);
      const { refused } = JSON.parse(stdout) as PlanReport;
      assert.match(String(refused), /maxImpact is "live", but bridge\.stp \(restart: /);
      assert.equal(stderr, `virtnet: ${refused}\n`);
    });

    it("of an array is an array, and changes nothing", async () => {
      const before = await stored("lab-nat.1");
      const fresh = { kind: "Network", name: "fresh", mode: "isolated", ips: [{ address: "10.99.0.1/24" }] };
      const [a, b] = (await plan([await change(withHost), fresh])) as PlanReport[];
      assert.deepEqual(
        [a?.name, a?.impact, b?.name, b?.impact, b?.exists],
        ["lab-nat.1", "live", "fresh", "none", false],
      );
      assert.deepEqual(
        b?.steps.map((s) => s.kind),
        ["create"],
      );
      assert.equal(await stored("lab-nat.1"), before);
      assert.ok(!(await virsh(host(), ["net-list", "--all", "--name"])).includes("fresh"));
    });

    it("holds what is given against the host", async () => {
      const clash = { kind: "Network", name: "clash", mode: "isolated", bridge: { name: "labbr1" } };
      const { stdout, stderr, code } = await run(["plan", "-"], { input: JSON.stringify(clash) });
      assert.deepEqual([stdout, code], ["", 1]);
      assert.match(stderr, /^virtnet: stdin: bridge\.name: [^\n]*lab-nat\.1[^\n]*\n$/);
    });
  });

  describe("disown", () => {
    const mark = { project: "shop", stack: "prod", key: "dev", adopted: true };

    it("removes the mark of the owner and nothing else", async () => {
      const clean = await stored("closed");
      await virsh(host(), ["net-define", "/dev/stdin"], writeNetwork({ mode: "isolated" }, undefined, clean, mark));
      assert.deepEqual(readNetwork(await stored("closed")).mark, mark);
      const { stderr } = await run(["import", "network", "closed"]);
      assert.match(stderr, /^note: it belongs to stack shop\/prod \(its resource "dev"\)/);

      const { stdout, code } = await run(["disown", "network", "closed"]);
      assert.equal(code, 0);
      assert.equal(
        stdout,
        `network "closed" on ${host().name} no longer belongs to stack shop/prod (its resource "dev"): nothing else was changed\n`,
      );
      assert.equal(await stored("closed"), clean);
    });

    it("says that there is no mark", async () => {
      const { stdout, stderr, code } = await run(["disown", "network", "lab-nat.1"]);
      assert.deepEqual([stderr, code], ["", 0]);
      assert.equal(stdout, `network "lab-nat.1" on ${host().name} carries no owner mark: nothing was changed\n`);
    });

    it("refuses where libvirt cannot: a transient network", async () => {
      const xml = writeNetwork({ name: "fleeting", mode: "isolated" }, undefined, undefined, mark);
      await virsh(host(), ["net-create", "/dev/stdin"], xml);
      const { stderr, code } = await run(["disown", "network", "fleeting"]);
      assert.equal(code, 1);
      assert.match(stderr, /is transient/);
      await virsh(host(), ["net-destroy", "fleeting"]);
    });
  });

  it("notes what up will change all the same: a transient network, another running than stored definition", async () => {
    await virsh(
      host(),
      ["net-create", "/dev/stdin"],
      "<network><name>passing</name><bridge name='passing0'/></network>",
    );
    const { notes } = await importOf(host().uri, "passing");
    assert.match(notes.join("\n"), /up will make a change \(mark: it is transient\)/);
    await virsh(host(), ["net-destroy", "passing"]);

    await startNetwork(host(), "two", "<network><name>two</name><bridge name='two0' stp='on'/></network>");
    await virsh(host(), ["net-define", "/dev/stdin"], (await stored("two")).replace("stp='on'", "stp='off'"));
    const two = await importOf(host().uri, "two");
    assert.deepEqual(two.args.bridge, { name: "two0", stp: false });
    assert.match(two.notes.join("\n"), /^up will make a change \(restart: [^\n]*\) to bridge\.stp$/);
  });
});
