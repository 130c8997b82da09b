import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { repository } from "../../support/repository.js";

/** Programs that must compile: name → text after the imports. */
const good: Record<string, string> = {
  "all five modes": `
    const ips = [{ address: "192.168.100.1/24", dhcp: { ranges: [{ start: "192.168.100.10", end: "192.168.100.99" }] } }];
    new virtnet.Network("a", { mode: "nat", ips, nat: { ports: { start: 1024, end: 2000 } } });
    new virtnet.Network("b", { mode: "route", ips });
    new virtnet.Network("c", { mode: "open", ips });
    new virtnet.Network("d", { mode: "isolated" });
    new virtnet.Network("e", { mode: "bridge", bridge: "br0" });`,
  "outputs at any depth": `
    const text = pulumi.output("192.168.100.1/24");
    const secret = pulumi.secret("x");
    const entry = { address: text, dhcp: pulumi.output({ ranges: [{ start: text, end: Promise.resolve("192.168.100.9") }] }) };
    new virtnet.Network("a", { mode: "nat", name: text, ips: [entry], autostart: pulumi.output(true), adopt: { from: secret } });
    new virtnet.Network("b", { mode: "nat", ips: pulumi.output([{ address: text }]) });
    new virtnet.Network("c", { mode: "bridge", bridge: text, maxImpact: pulumi.output("live" as const) });`,
  "outputs of another network": `
    const a = new virtnet.Network("a", { mode: "isolated" });
    const name: pulumi.Output<string> = a.name;
    const via: pulumi.Output<string[]> = a.upstreamRoutes.apply((routes) => routes.map((r) => r.destination + r.via));
    const b = new virtnet.Network("b", { mode: "isolated", description: pulumi.interpolate\`beside \${name} \${via}\` }, { parent: a, dependsOn: [a] });
    const c: virtnet.Network = virtnet.Network.get("c", "uuid", { uri: b.uri });
    const mode: pulumi.Output<"nat" | "route" | "open" | "isolated" | "bridge"> = c.mode;
    void mode;`,
  "a NIC on each kind of source": `
    const dev = new virtnet.Network("dev", { mode: "isolated" });
    const nic = new virtnet.VmInterface("a", { domain: "web", network: dev.name, mtu: 1400, waitForAddress: { seconds: 60 } });
    new virtnet.VmInterface("b", { domain: nic.domainUuid, bridge: "br0", filter: { name: "clean-traffic" } });
    new virtnet.VmInterface("c", { domain: "web", direct: { device: "eth0", mode: "bridge" }, linkState: "down" });
    new virtnet.VmInterface("d", { domain: "web", hostdev: { address: { bus: 3, slot: 1, function: 0 } } });
    new virtnet.VmInterface("e", { domain: pulumi.output("web"), user: {}, model: "e1000e" });
    const mac: pulumi.Output<string> = nic.mac;
    const first: pulumi.Output<string | undefined> = nic.addresses.apply((all) => all[0]?.address);
    const args: virtnet.VmInterfaceArgs = { domain: mac, network: first.apply((a) => a ?? "") };
    const there: virtnet.VmInterface = virtnet.VmInterface.get("there", "uuid/mac", { uri: nic.uri });
    void [args, there];`,
  "arguments of one mode by their type": `
    const args: virtnet.NatNetworkArgs = { mode: "nat", ips: [{ address: "10.0.0.1/24" }] };
    const any: virtnet.NetworkArgs = args;
    new virtnet.Network("a", any);`,
};

Object.assign(good, {
  "a bridge on devices and resources": `
    const br0 = new virtnet.Bridge("br0", { ports: ["eno1", pulumi.output("eno2")], addresses: "inherit", stp: pulumi.output(false) });
    new virtnet.Bridge("br1", { ports: pulumi.output(["eno3"]), addresses: { addresses: ["192.0.2.5/24"], gateway: br0.name } });
    const name: pulumi.Output<string> = br0.name;
    new virtnet.Network("lan", { mode: "bridge", bridge: name });
    const mac: pulumi.Output<string> = virtnet.Bridge.get("b", "uuid", { name: "br0", uri: br0.uri }).macAddress;
    void mac;`,
  "a bond, a VLAN on it and bridges on both": `
    const bond0 = new virtnet.Bond("bond0", { mode: "802.3ad", ports: ["eno1", pulumi.output("eno2")], lacpRate: "fast", miimon: 100 });
    new virtnet.Bond("bond1", { mode: 1, ports: pulumi.output(["eno3", "eno4"]), primary: "eno3", addresses: "dhcp" });
    const vlan20 = new virtnet.Vlan("bond0.20", { parent: bond0, vlanId: 20, addresses: { addresses: ["192.0.2.5/24"] } });
    new virtnet.Vlan("v30", { parent: "eno5", vlanId: pulumi.output(30) });
    new virtnet.Bridge("br0", { ports: [bond0], addresses: "inherit" });
    new virtnet.Bridge("br20", { ports: [vlan20, "eno6"] });
    const args: virtnet.BondArgs = { mode: "balance-xor", xmitHashPolicy: "layer3+4" };
    const there: virtnet.Bond = virtnet.Bond.get("b", "uuid", { name: "bond9" });
    const name: pulumi.Output<string> = virtnet.Vlan.get("v", "uuid", { name: "v9", uri: there.uri }).name;
    void [args, name];`,
});

/** Programs that must not compile: name → text, and where (the text of the line at fault) and what the compiler says. */
const bad: Record<string, { text: string; says: RegExp }> = {
  "a field that the mode does not have": {
    text: `new virtnet.Network("a", { mode: "isolated", nat: { ipv6: true } });`,
    says: /'nat' does not exist in type/,
  },
  "a field of nat in mode bridge": {
    text: `new virtnet.Network("a", { mode: "bridge", bridge: "br0", ips: [] });`,
    says: /'ips' does not exist in type/,
  },
  "a bridge's settings in mode bridge": {
    text: `new virtnet.Network("a", { mode: "bridge", bridge: { name: "br0" } });`,
    says: /'name' does not exist in type/,
  },
  "a word that no addresses are": {
    text: `new virtnet.Bridge("br0", { addresses: "static" });`,
    says: /"static"/,
  },
  "a bond without a mode": { text: `new virtnet.Bond("bond0", { ports: ["eno1"] });`, says: /mode/ },
  "a mode that no bond has": { text: `new virtnet.Bond("bond0", { mode: "active_backup" });`, says: /"active_backup"/ },
  "a number that no mode has": { text: `new virtnet.Bond("bond0", { mode: 7 });`, says: /7/ },
  "a VLAN that inherits addresses": {
    text: `new virtnet.Vlan("v", { parent: "eno1", vlanId: 5, addresses: "inherit" });`,
    says: /"inherit"/,
  },
  "a VLAN without a tag": { text: `new virtnet.Vlan("v", { parent: "eno1" });`, says: /vlanId/ },
  "an unknown mode": { text: `new virtnet.Network("a", { mode: "natt", ips: [] });`, says: /"natt"/ },
  "no mode": { text: `new virtnet.Network("a", { ips: [] });`, says: /mode/ },
  "a mode that is known later": {
    text: `new virtnet.Network("a", { mode: pulumi.output("isolated" as const) });`,
    says: /OutputInstance|Output</,
  },
  "nat without addresses": { text: `new virtnet.Network("a", { mode: "nat" });`, says: /ips/ },
  "a misspelt field deep inside": {
    text: `new virtnet.Network("a", { mode: "nat", ips: [{ address: "10.0.0.1/24", dhcp: { rangs: [] } }] });`,
    says: /rangs/,
  },
  "a number where a text belongs": {
    text: `new virtnet.Network("a", { mode: "isolated", name: 5 });`,
    says: /'number' is not assignable/,
  },
  "an output of the wrong type": {
    text: `new virtnet.Network("a", { mode: "isolated", mtu: pulumi.output("1500") });`,
    says: /'Output<string>' is not assignable to type 'DeepInput<number/,
  },
  "a NIC without a VM": { text: `new virtnet.VmInterface("a", { network: "dev" });`, says: /domain/ },
  "a NIC without a source": { text: `new virtnet.VmInterface("a", { domain: "web" });`, says: /not assignable/ },
  "a NIC with two sources": {
    text: `new virtnet.VmInterface("a", { domain: "web", network: "dev", bridge: "br0" });`,
    says: /not assignable/,
  },
  "a field that the source does not have": {
    text: `new virtnet.VmInterface("a", { domain: "web", user: {}, mtu: 1400 });`,
    says: /mtu/,
  },
  "writing to an output": {
    text: `new virtnet.Network("a", { mode: "isolated" }).name = pulumi.output("x");`,
    says: /read-only/,
  },
};

const imports = `import * as pulumi from "@pulumi/pulumi";\nimport * as virtnet from "pulumi-virtnet";\n`;

describe("the argument types", function () {
  this.timeout(60_000);

  // A package of its own outside the repository, as a user has it: one CommonJS, one ESM program for each text.
  let dir: string;
  let program: ts.Program;
  let service: ts.LanguageService;
  const fileOf = (name: string, ending = "mts") => path.join(dir, `${name.replaceAll(/\W/g, "-")}.${ending}`);

  before(() => {
    dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-types-")));
    fs.mkdirSync(path.join(dir, "node_modules", "@pulumi"), { recursive: true });
    fs.symlinkSync(repository, path.join(dir, "node_modules", "pulumi-virtnet"));
    fs.symlinkSync(path.join(repository, "node_modules/@pulumi/pulumi"), path.join(dir, "node_modules/@pulumi/pulumi"));
    fs.writeFileSync(path.join(dir, "package.json"), "{}");
    const files: string[] = [];
    const write = (file: string, text: string) => {
      fs.writeFileSync(file, text);
      files.push(file);
    };
    for (const [name, text] of Object.entries(good)) {
      for (const ending of ["mts", "cts"]) write(fileOf(name, ending), imports + text);
    }
    for (const [name, { text }] of Object.entries(bad)) {
      for (const ending of ["mts", "cts"]) write(fileOf(name, ending), imports + text);
    }
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
    const registry = ts.createDocumentRegistry();
    const host: ts.LanguageServiceHost = {
      getCompilationSettings: () => options,
      getScriptFileNames: () => files,
      getScriptVersion: () => "1",
      getScriptSnapshot: (file) =>
        fs.existsSync(file) ? ts.ScriptSnapshot.fromString(fs.readFileSync(file, "utf8")) : undefined,
      getCurrentDirectory: () => dir,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: ts.sys.fileExists,
      readFile: ts.sys.readFile,
      readDirectory: ts.sys.readDirectory,
      directoryExists: ts.sys.directoryExists,
      realpath: ts.sys.realpath,
    };
    service = ts.createLanguageService(host, registry);
    program = service.getProgram() as ts.Program;
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  const faults = (file: string) => {
    const source = program.getSourceFile(file);
    assert.ok(source);
    return ts.getPreEmitDiagnostics(program, source).map((d) => ts.flattenDiagnosticMessageText(d.messageText, "\n"));
  };

  for (const name of Object.keys(good)) {
    it(`take ${name}, in ESM and CommonJS`, () => {
      for (const ending of ["mts", "cts"]) assert.deepEqual(faults(fileOf(name, ending)), [], ending);
    });
  }
  for (const [name, { says }] of Object.entries(bad)) {
    it(`refuse ${name}, in ESM and CommonJS`, () => {
      for (const ending of ["mts", "cts"]) {
        const [fault, ...more] = faults(fileOf(name, ending));
        assert.match(String(fault), says, `${ending}: ${fault}`);
        assert.deepEqual(more, [], "one mistake is one message");
      }
    });
  }

  it("are those of the provider's schema: node scripts/types.mjs writes them", async () => {
    const script = pathToFileURL(path.join(repository, "scripts/types.mjs")).href;
    const { generate } = (await import(script)) as { generate(): Record<string, string> };
    for (const [file, text] of Object.entries(generate()))
      assert.equal(fs.readFileSync(path.join(repository, "sdk", file), "utf8"), text, file);
  });

  it("keep the description of each field, for the editor", () => {
    const shown = (name: string, word: string) => {
      const file = fileOf(name);
      const text = fs.readFileSync(file, "utf8");
      const info = service.getQuickInfoAtPosition(file, text.indexOf(word));
      return ts.displayPartsToString(info?.documentation);
    };
    assert.match(shown("outputs at any depth", "autostart"), /^Whether it starts with the host/);
    assert.match(shown("outputs at any depth", "name: text"), /^Name of the network on the host/);
    assert.match(shown("all five modes", "nat: {"), /^How masquerading is done/);
    assert.match(shown("all five modes", "ports: {"), /^Range of ports to use/);
    assert.match(shown("a misspelt field deep inside", "address:"), /^Address of the host on this network/);
  });
});
