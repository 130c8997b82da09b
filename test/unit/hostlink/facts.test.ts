/** What ip says of a host's links, and what follows for the bridges on it. */
import assert from "node:assert/strict";
import type { Channel } from "../../../provider/host/channel.js";
import { parseLinks, readLinks } from "../../../provider/hostlink/facts.js";
import { unfitBridge } from "../../../provider/hostlink/rules/fit.js";
import { run } from "../../../sandbox/index.js";

const nic = (ifname: string, more: object = {}) => ({
  ifname,
  mtu: 1500,
  flags: ["UP"],
  address: "52:54:00:00:00:01",
  ...more,
});
const bond = (mode: string, more: object = {}) => ({
  linkinfo: { info_kind: "bond", info_data: { mode, miimon: 100, ...more } },
});
const bridge = { linkinfo: { info_kind: "bridge", info_data: {} } };
const text = (
  links: object[],
  { v4 = [] as object[], v6 = [] as object[], ssh = "", back = [] as object[], libvirt = "", sshd = "" } = {},
) =>
  [
    ...[JSON.stringify(links), JSON.stringify(v4), JSON.stringify(v6), "", ssh],
    ...[back.map((route) => JSON.stringify([route])).join("\n"), libvirt, sshd],
  ]
    .map((part) => `${part}\n`)
    .join("==\n");
const with4 = (ifname: string, local: string, more: object = {}) =>
  nic(ifname, { ...more, addr_info: [{ local, prefixlen: 24, scope: "global" }] });

describe("the links of a host", () => {
  it("tell by what it is managed: the default route, the ssh session, and all that carries these", () => {
    const links = [
      with4("br0", "192.0.2.5", bridge),
      nic("bond0", { master: "br0", ...bond("802.3ad") }),
      nic("eth0", { master: "bond0" }),
      nic("eth1", { master: "bond0" }),
      nic("vnet0", { master: "br0", linkinfo: { info_kind: "tun" } }),
      with4("eth2.7", "198.51.100.5", { link: "eth2", linkinfo: { info_kind: "vlan" } }),
      nic("eth2"),
      nic("eth3"),
      nic("ve0", { link: "eth3", linkinfo: { info_kind: "veth" } }),
    ];
    const found = parseLinks(
      text(links, {
        v4: [{ dst: "default", gateway: "192.0.2.1", dev: "br0" }],
        ssh: "203.0.113.9 5000 198.51.100.5 22",
        back: [{ dst: "203.0.113.9", gateway: "198.51.100.1", dev: "eth2.7" }],
      }),
    );
    assert.deepEqual(found.management, ["br0", "eth2.7"]);
    assert.deepEqual([...found.carriers].sort(), ["bond0", "br0", "eth0", "eth1", "eth2", "eth2.7"]);
    assert.deepEqual(found.hops, [
      { device: "br0", via: "192.0.2.1", to: "the default route" },
      { device: "eth2.7", via: "198.51.100.1", to: "the ssh session", peer: "203.0.113.9" },
    ]);
  });

  it("tell the tag of a VLAN, where it is one of 802.1Q", () => {
    const vlan = (ifname: string, protocol: string) =>
      nic(ifname, { link: "eth0", linkinfo: { info_kind: "vlan", info_data: { protocol, id: 7, flags: [] } } });
    const { links } = parseLinks(text([nic("eth0"), vlan("a", "802.1Q"), vlan("b", "802.1ad")]));
    assert.deepEqual(
      [...links.values()].map((l) => l.vlanId),
      [undefined, 7, undefined],
    );
  });

  it("tell the device of an ssh session by a link-local address, and the client where no router is between", () => {
    const found = parseLinks(
      text([nic("eth0"), nic("eth1")], {
        ssh: "fe80::9%eth1 5000 fe80::5%eth1 22",
        back: [{ dst: "fe80::9", dev: "eth1" }],
      }),
    );
    assert.deepEqual(found.management, ["eth1"]);
    assert.deepEqual(found.hops, [{ device: "eth1", via: "fe80::9", to: "the ssh session", peer: "fe80::9" }]);
  });

  it("tell the devices that remote connections to libvirt come by", () => {
    const links = [
      with4("eth0", "192.0.2.5"),
      with4("eth1", "198.51.100.5"),
      with4("eth2", "203.0.113.5"),
      { ...nic("eth3"), addr_info: [{ local: "2001:db8::5", prefixlen: 64, scope: "global" }] },
    ];
    const libvirt =
      "0      0      198.51.100.5:16509   198.51.100.9:40000\n0 0 [::ffff:203.0.113.5]:16514 [::ffff:203.0.113.9]:40001\n0 0 [2001:db8::5]:16514 [2001:db8::9]:40002";
    assert.deepEqual(parseLinks(text(links, { libvirt })).management, ["eth1", "eth2", "eth3"]);
  });

  it("tell the devices of all ssh sessions, where whoever asks may have come by any", () => {
    const links = [with4("eth0", "192.0.2.5"), with4("eth1", "198.51.100.5"), nic("eth2")];
    const sshd = [
      '0 0 198.51.100.5:22 203.0.113.9:5000 users:(("sshd",pid=7,fd=4),("sshd",pid=8,fd=4))',
      '0 0 [fe80::5%eth2]:22 [fe80::9%eth2]:5001 users:(("sshd-session",pid=9,fd=4))',
    ].join("\n");
    const back = [
      { dst: "203.0.113.9", gateway: "198.51.100.1", dev: "eth1" },
      { dst: "fe80::9", dev: "eth2" },
    ];
    const found = parseLinks(text(links, { v4: [{ dst: "default", gateway: "192.0.2.1", dev: "eth0" }], back, sshd }));
    assert.deepEqual(found.management, ["eth0", "eth1", "eth2"]);
    assert.deepEqual(found.hops.slice(1), [
      { device: "eth1", via: "198.51.100.1", to: "the ssh session", peer: "203.0.113.9" },
      { device: "eth2", via: "fe80::9", to: "the ssh session", peer: "fe80::9" },
    ]);
    assert.deepEqual(found.sessions, ["203.0.113.9", "fe80::9"]);
    // As iproute2 6.1 has it.
    const newer = sshd.replace("[fe80::5%eth2]:22 [fe80::9%eth2]:5001", "[fe80::5]%eth2:22 [fe80::9]:5001");
    assert.deepEqual(parseLinks(text(links, { back, sshd: newer })).management, ["eth1", "eth2"]);
  });

  it("are asked for the way to a link-local session by the device that it came by", async () => {
    const links = JSON.stringify([nic("lo"), nic("eth2"), with4("eth1", "192.0.2.1")]);
    const stubs = `ip() { case "$*" in *addr*) echo '${links}' ;; *get*) echo "[{\\"dst\\":\\"$4\\",\\"dev\\":\\"\${6:-eth1}\\"}]" ;; *) echo "[]" ;; esac; }
ss() { case "$*" in *p*state*) printf '%s\\n' '0 0 [fe80::5]%eth2:22 [fe80::9]:5001 users:(("sshd",pid=9,fd=4))' '0 0 192.0.2.1:22 [::ffff:192.0.2.9]:5001 users:(("sshd",pid=9,fd=4))' ;; esac; }
`;
    const found = await readLinks({
      by: "local",
      run: ([, , script = "", ...words]: string[]) => run(["sh", "-c", stubs + script, ...words]),
    } as unknown as Channel);
    assert.deepEqual(
      found.hops.map(({ device, peer }) => [device, peer]),
      [
        ["eth1", "192.0.2.9"],
        ["eth2", "fe80::9"],
      ],
    );
  });

  it("are not taken for none where ip fails, or names none", async () => {
    const asked = (ip: string) =>
      readLinks({
        by: "local",
        run: ([, , script = "", ...words]: string[]) => run(["sh", "-c", `ip() { ${ip}; }\n${script}`, ...words]),
      } as unknown as Channel);
    const fails = (when: string) => `case "$*" in ${when}) echo "no memory" >&2; return 1 ;; esac; echo "[]"`;
    for (const when of ['"-j -d addr show"', '"-j route show default"', '"-j -6 route show default"'])
      await assert.rejects(asked(fails(when)), /^VirtnetError: reading the host's links: no memory$/, when);
    await assert.rejects(asked('echo "[]"'), /reading the host's links: ip names none/);
    const one = JSON.stringify([nic("lo")]);
    assert.deepEqual([...(await asked(`case "$*" in *addr*) echo '${one}' ;; esac`)).links.keys()], ["lo"]);
  });

  for (const [how, options, why] of [
    ["balance-rr", bond("balance-rr"), /bond "bond0" below bridge "br0" is of mode balance-rr/],
    ["no MII monitoring", bond("active-backup", { miimon: 0 }), /has no MII monitoring/],
    ["ARP monitoring", bond("active-backup", { miimon: 0, arp_interval: 100 }), /is monitored by ARP/],
    ["fail_over_mac", bond("active-backup", { fail_over_mac: "active" }), /failOverMac "active"/],
  ] as const)
    it(`tell that VMs cannot be on a bridge whose bond has ${how}, directly or by way of a VLAN`, () => {
      const direct = parseLinks(text([nic("br0", bridge), nic("bond0", { master: "br0", ...options })]));
      assert.match(unfitBridge("br0", direct.links) ?? "", why);
      const vlan = nic("v5", { master: "br0", link: "bond0", linkinfo: { info_kind: "vlan" } });
      assert.match(
        unfitBridge("br0", parseLinks(text([nic("br0", bridge), nic("bond0", options), vlan])).links) ?? "",
        why,
      );
      const fit = parseLinks(
        text([nic("br0", bridge), nic("bond0", { master: "br0", ...bond("802.3ad") }), nic("bond1", options)]),
      );
      assert.equal(unfitBridge("br0", fit.links), undefined);
    });
});
