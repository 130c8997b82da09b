import assert from "node:assert/strict";
import { compact } from "../../../cli/import/compact.js";
import { leftovers } from "../../../cli/import/leftovers.js";
import { importNetwork } from "../../../cli/import/network.js";
import { programOf } from "../../../cli/import/program.js";
import { variableName } from "../../../cli/import/variable-name.js";
import { fieldsOf, readNetwork, writeNetwork } from "../../../provider/network/document.js";
import { toObserved } from "../../../provider/network/observe.js";
import type { Mode } from "../../../provider/network/parts/forward.js";
import { canonOf } from "../../../provider/schema/tree.js";
import { fullArgs } from "../../support/full-args.js";

const info = (inactiveXml: string) => ({
  name: "n",
  uuid: "u",
  active: true,
  persistent: true,
  autostart: true,
  inactiveXml,
  liveXml: inactiveXml,
});
const importXml = (xml: string) => {
  const i = info(xml);
  return importNetwork(i, { daemon: 9_000_000, nics: [], network: toObserved(i) });
};
const net = (inner: string) => `<network><name>n</name><uuid>u</uuid>${inner}</network>`;

describe("import of a network", () => {
  for (const mode of Object.keys(fullArgs) as Mode[]) {
    fullArgs[mode].forEach(({ args }, i) => {
      it(`says all fields of mode ${mode} again (${i})`, () => {
        const xml = writeNetwork(args, undefined, undefined, undefined);
        const { args: found, notes } = importXml(xml);
        assert.deepEqual(notes, []);
        const fields = fieldsOf(mode);
        const { mac: _, ...wanted } = canonOf(fields, args) as Record<string, unknown>;
        assert.deepEqual(canonOf(fields, found), wanted);
      });
      it(`leaves nothing of mode ${mode} over (${i})`, () => {
        assert.deepEqual(leftovers(fieldsOf(mode), writeNetwork(args, undefined, undefined, undefined)), []);
      });
    });
  }

  it("leaves out what libvirt makes and means by itself", () => {
    const { args, notes } = importXml(
      net(`<forward mode='nat'><nat><port start='1024' end='65535'/></nat></forward>
        <bridge name='virbr7' stp='on' delay='0'/><mac address='52:54:00:aa:bb:cc'/><dns enable='yes'/>
        <ip address='10.0.0.1' netmask='255.255.255.0' localPtr='no'><dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip>`),
    );
    assert.deepEqual(notes, []);
    const ips = [{ address: "10.0.0.1/24", dhcp: { ranges: [{ start: "10.0.0.2", end: "10.0.0.9" }] } }];
    assert.deepEqual(args, { name: "n", mode: "nat", ips, adopt: true });
  });

  it("keeps a name that a user gave to the bridge", () => {
    assert.deepEqual(importXml(net("<bridge name='virbr-lab' stp='off'/>")).args.bridge, {
      name: "virbr-lab",
      stp: false,
    });
  });

  it("notes what no field says", () => {
    const { notes } = importXml(
      net(`<forward mode='nat'><nat future='1'/></forward><bridge name='b'/>
        <ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.0.9' tag='x'/></dhcp></ip>
        <ip address='10.0.1.1' prefix='24'><later>y</later></ip>`),
    );
    assert.deepEqual(
      notes.map((n) => n.split(" has no field")[0]),
      ['forward/nat/@future="1"', 'ip[1]/dhcp/range/@tag="x"', 'ip[2]/later="y"'],
    );
  });

  it("takes over from the stack that owns it, and says so", () => {
    const mark = { project: "shop", stack: "prod", key: "dev", adopted: false };
    const { args, notes } = importXml(writeNetwork({ name: "n", mode: "isolated" }, undefined, undefined, mark));
    assert.deepEqual(args.adopt, { from: "shop/prod" });
    assert.equal(notes.length, 1);
    assert.match(String(notes[0]), /belongs to stack shop\/prod/);
  });

  it("leaves out what the checks would refuse, and says so", () => {
    const { args, notes } = importXml(
      net("<bridge name='b'/><metadata><a:x xmlns:a='urn:a'>two\nlines</a:x></metadata><domain name='x'/>"),
    );
    assert.equal(args.metadata, undefined);
    assert.deepEqual(args.domain, { name: "x" });
    assert.match(String(notes[0]), /^metadata is left out, and kept as it is on the host: metadata\[0\]/);
  });

  it("keeps what a schema requires even where it is the default", () => {
    const xml = net("<forward mode='nat'><nat><port start='1024' end='60000'/></nat></forward>");
    assert.deepEqual((compact(fieldsOf("nat"), readNetwork(xml).values) as { nat: unknown }).nat, {
      ports: { start: 1024, end: 60000 },
    });
  });
});

describe("the printed program", () => {
  it("names fields without quotes, and breaks lines where they get long", () => {
    const hosts = [1, 2].map((n) => ({
      mac: `52:54:00:00:00:0${n}`,
      name: `a-rather-long-host-name-${n}`,
      ip: `192.168.100.${n}`,
    }));
    const args = {
      name: "my-net",
      mode: "nat",
      ips: [{ address: "192.168.100.1/24", dhcp: { hosts } }],
      x: { "a-b": 1 },
    };
    assert.equal(
      programOf("Network", [{ resource: "my-net", args }]),
      `import * as virtnet from "pulumi-virtnet";

const myNet = new virtnet.Network("my-net", {
  mode: "nat",
  ips: [
    {
      address: "192.168.100.1/24",
      dhcp: {
        hosts: [
          { mac: "52:54:00:00:00:01", name: "a-rather-long-host-name-1", ip: "192.168.100.1" },
          { mac: "52:54:00:00:00:02", name: "a-rather-long-host-name-2", ip: "192.168.100.2" },
        ],
      },
    },
  ],
  x: { "a-b": 1 },
});
`,
    );
  });

  const names: Record<string, string> = {
    dev: "dev",
    "lab-net.2": "labNet2",
    Prod_LAN: "prodLAN",
    default: "defaultNetwork",
    virtnet: "virtnetNetwork",
    require: "requireNetwork",
    "10-gig": "network10Gig",
    "--": "network",
    "сеть 1": "сеть1",
    'a"b': "aB",
  };
  for (const [name, variable] of Object.entries(names)) {
    it(`calls ${name} ${variable}`, () => assert.equal(variableName(name, "Network"), variable));
  }
});
