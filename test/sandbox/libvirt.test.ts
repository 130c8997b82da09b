import assert from "node:assert/strict";
import * as fs from "node:fs";
import { type Connection, LibvirtError, type LibvirtEvent, open, openPool } from "../../provider/libvirt/index.js";
import { type Sandbox, startSandbox } from "../../sandbox/index.js";
import { inChild, lines } from "../libvirt/child.js";
import { generation, restartDaemon } from "../support/sandbox.js";

const networkXml = (name: string, subnet: number, inner = "") =>
  `<network><name>${name}</name><forward mode='nat'/><bridge name='v-${name}' stp='off'/><ip address='10.61.${subnet}.1' prefix='24'><dhcp><range start='10.61.${subnet}.2' end='10.61.${subnet}.99'/></dhcp></ip>${inner}</network>`;
/** An empty machine: it never boots anything, but its NICs are plugged for real. */
const domainXml = (
  name: string,
  network: string,
) => `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features><devices><emulator>/usr/bin/qemu-system-x86_64</emulator><interface type='network'><mac address='52:54:00:00:61:01'/><source network='${network}'/><model type='virtio'/></interface></devices></domain>`;

describe("libvirt over a real daemon", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let c: Connection;
  const virsh = async (...args: string[]) => {
    const result = await sandbox.exec(["virsh", ...args]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  const daemon = async (signal: string) => {
    assert.equal((await sandbox.exec(["pkill", `-${signal}`, "-x", "libvirtd"])).code, 0);
  };

  before(async () => {
    sandbox = await startSandbox(generation());
    c = await open(sandbox.uri);
  });
  after(async () => {
    await c?.close();
    await sandbox?.stop();
  });

  it("defines, starts, updates and removes a network as virsh sees it", async () => {
    const ref = await c.networks.define(networkXml("one", 1));
    await c.networks.start(ref);
    await c.networks.setAutostart(ref, true);
    await c.networks.update(
      ref,
      "add-last",
      "ip-dhcp-host",
      -1,
      "<host mac='52:54:00:00:00:01' ip='10.61.1.5'/>",
      "both",
    );
    assert.match(
      await virsh("net-info", "one"),
      /UUID: +[0-9a-f-]+\nActive: +yes\nPersistent: +yes\nAutostart: +yes\nBridge: +v-one/,
    );
    assert.match(await virsh("net-info", "one"), new RegExp(ref.uuid));
    const network = await c.networks.get(ref);
    assert.equal(network?.inactiveXml, (await virsh("net-dumpxml", "--inactive", "one")).replace(/\n\n$/, "\n"));
    assert.equal(network?.liveXml, (await virsh("net-dumpxml", "one")).replace(/\n\n$/, "\n"));
    assert.doesNotMatch(network?.inactiveXml ?? "", /<port start/);
    assert.match(network?.liveXml ?? "", /<port start='1024' end='65535'\/>/);
    assert.deepEqual(await c.networks.list(), [network]);
    assert.equal(await c.networks.bridgeName(ref), "v-one");
    await c.networks.destroy(ref);
    await c.networks.undefine(ref);
    assert.doesNotMatch(await virsh("net-list", "--all"), /one/);
  });

  it("knows a network made by somebody else, and misses one removed by him", async () => {
    await sandbox.exec([
      "sh",
      "-c",
      "echo \"<network><name>his</name><bridge name='his0'/></network>\" > /run/his.xml",
    ]);
    await virsh("net-define", "/run/his.xml");
    const network = await c.networks.get({ name: "his" });
    assert.deepEqual([network?.active, network?.persistent, network?.autostart], [false, true, false]);
    assert.equal(network?.uuid, (await virsh("net-uuid", "his")).trim());
    await virsh("net-undefine", "his");
    assert.equal(await c.networks.get({ uuid: network!.uuid }), undefined);
    assert.deepEqual(await c.networks.list(), []);
  });

  it("lists while networks come and go, without an error", async () => {
    const other = await open(sandbox.uri);
    let going = true;
    const churn = (async () => {
      while (going) {
        const ref = await other.networks.define("<network><name>brief</name><bridge name='brief0'/></network>");
        await other.networks.undefine(ref);
      }
    })();
    for (let i = 0; i < 150; i++)
      for (const network of await c.networks.list()) assert.match(network.inactiveXml, /brief/);
    going = false;
    await churn;
    await other.close();
  });

  it("plugs and unplugs a NIC, names ports by owner, and reports the events", async () => {
    const a = await c.networks.define(networkXml("pa", 2));
    const b = await c.networks.define(networkXml("pb", 3));
    for (const ref of [a, b]) await c.networks.start(ref);
    const events: LibvirtEvent[] = [];
    const off = await c.onEvent((e) => events.push(e));
    const vm = await c.domains.define(domainXml("vm", "pa"));
    await c.domains.start(vm);
    const [port] = await c.networks.ports(a);
    assert.deepEqual([port?.ownerName, port?.ownerUuid, port?.mac], ["vm", vm.uuid, "52:54:00:00:61:01"]);
    assert.match(await virsh("net-port-list", "pa"), new RegExp(port!.uuid));
    assert.equal(await c.domains.jobType(vm), 0);

    const nic = (network: string) =>
      `<interface type='network'><mac address='52:54:00:00:61:02'/><source network='${network}'/><model type='virtio'/><alias name='ua-second'/></interface>`;
    await c.domains.attachDevice(vm, nic("pa"), "both");
    assert.equal((await c.networks.ports(a)).length, 2);
    assert.match(await virsh("domiflist", "vm"), /pa +virtio +52:54:00:00:61:02/);
    assert.match((await c.domains.get(vm))?.inactiveXml ?? "", /52:54:00:00:61:02/);
    const live = /<interface type='network'>\s*<mac address='52:54:00:00:61:02'\/>[\s\S]*?<\/interface>/.exec(
      (await c.domains.get(vm))?.liveXml ?? "",
    )![0];
    await c.domains.updateDevice(vm, live.replace("network='pa'", "network='pb'"), "live");
    assert.equal((await c.networks.ports(b))[0]?.mac, "52:54:00:00:61:02");
    await assert.rejects(
      c.domains.detachDeviceAlias(vm, "ua-nope", "live"),
      (e: LibvirtError) => e instanceof LibvirtError,
    );
    await c.domains.detachDevice(vm, nic("pb"), "config");
    assert.doesNotMatch(await virsh("dumpxml", "--inactive", "vm"), /61:02/);
    assert.deepEqual(await c.domains.interfaceAddresses(vm, "lease"), []);
    assert.deepEqual(await c.networks.leases(a), []);

    await c.domains.suspend(vm);
    assert.equal((await c.domains.get(vm))?.state, 3);
    await c.domains.resume(vm);
    const [listed] = await c.domains.list();
    assert.deepEqual(listed, await c.domains.get(vm));
    await c.domains.destroy(vm);
    await c.domains.undefine(vm);
    for (const ref of [a, b]) {
      await c.networks.destroy(ref);
      await c.networks.undefine(ref);
    }
    await until(() => events.some((e) => e.kind === "network-lifecycle" && e.object?.name === "pb" && e.event === 1));
    await off();
    const seen = events.map((e) => `${e.kind} ${e.object?.name} ${e.event ?? e.alias}`);
    for (const expected of [
      "device-added vm ua-second",
      "domain-lifecycle vm 2",
      "domain-lifecycle vm 3",
      "domain-lifecycle vm 5",
      "network-lifecycle pa 3",
    ])
      assert.ok(seen.includes(expected), `${expected} in ${seen}`);
  });

  it("reads leases that dnsmasq has given", async () => {
    const ref = await c.networks.define(networkXml("lease", 4));
    await c.networks.start(ref);
    const expiry = Math.floor(Date.now() / 1000) + 3600;
    const status = JSON.stringify([
      {
        "ip-address": "10.61.4.17",
        "mac-address": "52:54:00:aa:bb:cc",
        hostname: "guest",
        "client-id": "01:52:54:00:aa:bb:cc",
        "expiry-time": expiry,
      },
    ]);
    await sandbox.exec(["sh", "-c", `echo '${status}' > /var/lib/libvirt/dnsmasq/v-lease.status`]);
    const expected = {
      iface: "v-lease",
      expiryTime: expiry,
      type: "ipv4",
      mac: "52:54:00:aa:bb:cc",
      address: "10.61.4.17",
      prefix: 24,
      hostname: "guest",
      clientId: "01:52:54:00:aa:bb:cc",
    };
    assert.deepEqual(await c.networks.leases(ref), [expected]);
    assert.deepEqual(await c.networks.leases(ref, "52:54:00:aa:bb:cc"), [expected]);
    assert.deepEqual(await c.networks.leases(ref, "52:54:00:00:00:00"), []);
    assert.match(await virsh("net-dhcp-leases", "lease"), /10\.61\.4\.17\/24/);
    await c.networks.destroy(ref);
    await c.networks.undefine(ref);
  });

  it("says class unsupported where the host's interface driver only reads", async () => {
    await assert.rejects(
      c.interfaces.define("<interface type='bridge' name='br9'><bridge/></interface>"),
      (e: LibvirtError) => e.class === "unsupported" && e.code === 3,
    );
  });

  it("reads over one connection while another waits", async () => {
    const slow = await open(sandbox.uri);
    const ref = await slow.networks.define(networkXml("slow", 5));
    let waits = true;
    const start = slow.networks.start(ref).finally(() => {
      waits = false;
    });
    let reads = 0;
    while (waits) {
      await c.domains.list(); // not networks: libvirt itself holds those back while one starts
      reads++;
    }
    await start;
    assert.ok(reads > 1, `${reads} reads`);
    await slow.networks.destroy(ref);
    await slow.networks.undefine(ref);
    await slow.close();
  });

  it("does not wake its event loop with each call", async () => {
    // The loop's turns run on the threads of libuv's pool; each call that is sent and each answer would interrupt one.
    const calls = 500;
    await c.networks.get({ name: "nope" });
    const before = sleepsOfPool();
    for (let i = 0; i < calls; i++) await c.networks.get({ name: "nope" });
    const woken = sleepsOfPool() - before;
    assert.ok(woken < calls, `${woken} times in ${calls} calls`);
  });

  it("ends a call to a hung daemon by its deadline, then fails at once", async () => {
    const hung = await open(sandbox.uri, { deadlineMs: 800 });
    await daemon("STOP");
    try {
      let started = performance.now();
      const queued = assert.rejects(
        hung.networks.list().then(() => hung.networks.list()),
        (e: LibvirtError) => e.class === "timeout",
      );
      await assert.rejects(
        hung.networks.get({ name: "x" }),
        (e: LibvirtError) => (e.class === "timeout" && e.sent === false) || e.class === "timeout",
      );
      assert.ok(performance.now() - started < 2000);
      await queued;
      started = performance.now();
      await assert.rejects(hung.networks.list(), (e: LibvirtError) => e.class === "timeout" && !e.sent);
      assert.ok(performance.now() - started < 50);
      assert.equal(await hung.isAlive(), false);
      await assert.rejects(
        open(sandbox.uri, { deadlineMs: 500 }),
        (e: LibvirtError) => e.class === "timeout" && /open/.test(e.text),
      );
      await hung.close();
    } finally {
      await daemon("CONT");
    }
    assert.deepEqual(await c.networks.list(), []); // the other connection has only waited
  });

  it("does nothing of what was asked for behind a call that hung, and says so", async () => {
    const hung = await open(sandbox.uri, { deadlineMs: 3000 });
    await daemon("STOP");
    const asked = [
      hung.networks.get({ name: "x" }),
      hung.networks.define(networkXml("behind", 7)),
      hung.networks.get({ name: "behind" }),
    ];
    const answers = await Promise.allSettled(asked);
    await daemon("CONT");
    const sent = answers.map((a) => (a.status === "rejected" ? (a.reason as LibvirtError).sent : "answered"));
    assert.deepEqual(sent, [true, false, false]);
    await new Promise((resolve) => setTimeout(resolve, 1000)); // the first call returns now
    assert.doesNotMatch(await virsh("net-list", "--all", "--name"), /behind/);
  });

  it("lets the process end by itself although the daemon hangs, in a call and in close", async () => {
    const body = (last: string) => `
      const c = await libvirt.open(${JSON.stringify(sandbox.uri)}, { deadlineMs: 600 });
      print("open");
      for (let error; error === undefined; ) error = await c.networks.list().then(() => undefined, (e) => { print(e.class); return e; });
      ${last}`;
    for (const last of ["", "await c.close();"]) {
      const child = inChild(body(last));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await daemon("STOP");
      const result = await child;
      await daemon("CONT");
      assert.deepEqual(lines(result), ["open", "timeout"]);
      assert.ok(result.ms < 6000, `${result.ms} ms`);
    }
  });

  it("notices a hung daemon by keepalive, also in a call without deadline to speak of", async () => {
    const hung = await open(sandbox.uri, { deadlineMs: 60_000, keepAlive: { interval: 1, count: 2 } });
    await daemon("STOP");
    try {
      const started = performance.now();
      await assert.rejects(hung.networks.list(), (e: LibvirtError) => e.class === "transport" && e.retryable);
      assert.ok(performance.now() - started < 8000);
    } finally {
      await daemon("CONT");
    }
    await hung.close();
  });

  it("opens a lost connection again, and runs work again that has written nothing", async () => {
    const pool = openPool(sandbox.uri);
    const seen = new Set<Connection>();
    const read = () =>
      pool.use(async (connection) => {
        seen.add(connection);
        return (await connection.networks.list({ xml: false })).length;
      });
    assert.equal(await read(), 0);
    let closed: LibvirtEvent | undefined;
    await c.onEvent((e) => {
      if (e.kind === "close") closed = e;
    });
    await restartDaemon(sandbox);
    await until(() => closed !== undefined);
    assert.equal(closed?.reason, 1); // end of file
    await assert.rejects(c.networks.list(), (e: LibvirtError) => e.class === "transport" && !e.sent);
    assert.equal(await c.isAlive(), false);
    assert.equal(await read(), 0);
    assert.equal(seen.size, 2);

    // The connection breaks between two calls of one piece of work: read-only work runs again, work that has written does not.
    let runs = 0;
    assert.equal(
      await pool.use(async (connection) => {
        if (++runs === 1) {
          await connection.networks.list();
          await restartDaemon(sandbox);
        }
        return (await connection.networks.list()).length;
      }),
      0,
    );
    assert.equal(runs, 2);
    runs = 0;
    await assert.rejects(
      pool.use(async (connection) => {
        runs++;
        await connection.networks.define("<network><name>kept</name><bridge name='kept0'/></network>");
        await restartDaemon(sandbox);
        await connection.networks.list();
      }),
      (e: LibvirtError) => e.class === "transport",
    );
    assert.equal(runs, 1);
    await pool.use((connection) => connection.networks.undefine({ name: "kept" }));
    await pool.close();
    c = await open(sandbox.uri);
  });

  it("leaves no connection behind in the daemon", async () => {
    const clients = async () =>
      (await sandbox.exec(["virt-admin", "-c", "libvirtd:///system", "client-list", "libvirtd"])).stdout
        .trim()
        .split("\n").length;
    const before = await clients();
    for (let i = 0; i < 10; i++) {
      const connection = await open(sandbox.uri);
      await connection.onEvent(() => undefined);
      await connection.networks.list();
      await connection.close();
    }
    await until(async () => (await clients()) === before);
  });
});

async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`still not so after ${ms} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** How often this process's threads of libuv's pool have gone to sleep. */
function sleepsOfPool(): number {
  const tasks = fs.readdirSync("/proc/self/task").map((id) => `/proc/self/task/${id}`);
  const pool = tasks.filter((task) => fs.readFileSync(`${task}/comm`, "utf8").startsWith("libuv-worker"));
  assert.ok(pool.length > 0);
  return pool.reduce((sum, task) => {
    const status = fs.readFileSync(`${task}/status`, "utf8");
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  }, 0);
}
