import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../sandbox/guests.js";
import { listSandboxes, openSandbox, run, type Sandbox, startSandbox, stopSandbox } from "../../sandbox/index.js";
import { skip } from "../skip.js";
import { withSandbox } from "../support/sandbox.js";

const ROOM = path.join(__dirname, "../../sandbox");

/** Processes that live in one of these namespaces. */
function inNamespaces(namespaces: string[]): string[] {
  return fs.readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    return ["net", "pid", "mnt"].some((kind) => {
      try {
        return namespaces.includes(fs.readlinkSync(`/proc/${pid}/ns/${kind}`));
      } catch {
        return false;
      }
    });
  });
}

function namespacesOf(pid: number | string): string[] {
  return ["net", "pid", "mnt"].map((kind) => fs.readlinkSync(`/proc/${pid}/ns/${kind}`));
}

/** Another process that starts a sandbox. */
function starter(name: string): ChildProcess {
  const script = `require(process.argv[1]).startSandbox({ name: process.argv[2] }).then(({ pid }) => {
    console.log(pid);
    setInterval(() => {}, 1000);
  })`;
  return spawn(process.execPath, ["-e", script, ROOM, name], { stdio: ["ignore", "pipe", "inherit"] });
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const chunk of child.stdout ?? []) return String(chunk).trim();
  throw new Error("it said nothing");
}

async function isListed(name: string): Promise<boolean> {
  return (await listSandboxes()).some((sandbox) => sandbox.name === name);
}

describe("a sandbox", () => {
  const host = withSandbox();

  it("answers libvirt clients outside", async () => {
    const { stdout, code } = await run(["virsh", "-c", host().uri, "hostname"]);
    assert.equal(code, 0);
    assert.equal(stdout.trim(), host().name);
  });

  it("has the host UUID that it says", async () => {
    const { stdout } = await host().exec(["virsh", "capabilities"]);
    assert.match(stdout, new RegExp(`<uuid>${host().hostUuid}</uuid>`));
  });

  it("starts without networks and domains", async () => {
    const { stdout } = await host().exec(["sh", "-c", "virsh -q net-list --all --name; virsh -q list --all --name"]);
    assert.equal(stdout.trim(), "");
  });

  it("reaches the machine outside, which reaches it, over IPv4 and IPv6", async () => {
    const { hostAddress, outsideAddress, outside } = host();
    for (const target of [outsideAddress.v4, outsideAddress.v6]) {
      assert.equal((await host().exec(["ping", "-c1", "-W2", target])).code, 0, target);
    }
    for (const target of [hostAddress.v4, hostAddress.v6]) {
      assert.equal((await outside.exec(["ping", "-c1", "-W2", target])).code, 0, target);
    }
  });

  it("tells stdout, stderr and exit code of a command, also of one that is not there", async () => {
    assert.deepEqual(await host().exec(["sh", "-c", "cat; echo no >&2; exit 7"], { input: "yes" }), {
      stdout: "yes",
      stderr: "no\n",
      code: 7,
    });
    assert.equal((await host().exec(["no-such-command"])).code, 127);
  });

  it("kills a command that takes too long, with what that started", async () => {
    const began = performance.now();
    await assert.rejects(host().exec(["sh", "-c", "sleep 87 | cat"], { timeoutMs: 200 }), /did not end within 200 ms/);
    assert.ok(performance.now() - began < 1500);
    const { stdout } = await host().exec(["ps", "-eo", "args"]);
    assert.doesNotMatch(stdout, /sleep 87/);
  });

  it("reaps what others leave", async () => {
    await host().exec(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.1 &); done"]);
    await sleep(300);
    const { stdout } = await host().exec(["ps", "-eo", "stat,args"]);
    assert.doesNotMatch(stdout, /^Z/m);
    assert.doesNotMatch(stdout, /sleep 0\.1/);
  });

  it("can be opened by its name", async () => {
    const same = await openSandbox(host().name);
    assert.equal(same.uri, host().uri);
    assert.equal((await same.exec(["hostname"])).stdout.trim(), host().name);
  });

  it("refuses a second one of the same name", async () => {
    await assert.rejects(startSandbox({ name: host().name }), /runs already/);
    assert.equal((await host().exec(["virsh", "list"])).code, 0);
  });
});

describe("sandboxes", () => {
  const started: Sandbox[] = [];
  const start = async (...options: Parameters<typeof startSandbox>) => {
    const sandbox = await startSandbox(...options);
    started.push(sandbox);
    return sandbox;
  };
  before(function () {
    if (process.getuid?.() !== 0) skip(this, "a sandbox needs root");
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((sandbox) => sandbox.stop()));
  });

  it("do not see each other", async () => {
    const [one, two] = await Promise.all([start(), start()]);
    const xml =
      "<network><name>only</name><bridge name='only0'/><ip address='10.1.0.1' netmask='255.255.255.0'/></network>";
    assert.equal((await one.exec(["virsh", "net-create", "/dev/stdin"], { input: xml })).code, 0);
    assert.equal((await one.exec(["ip", "link", "show", "only0"])).code, 0);
    assert.equal((await two.exec(["virsh", "net-info", "only"])).code, 1);
    assert.equal((await two.exec(["ip", "link", "show", "only0"])).code, 1);
    assert.notEqual(one.hostUuid, two.hostUuid);
  });

  it("leave the machine's links, mounts and firewall as they are, and no process", async () => {
    const look = async () => ({
      links: (await run(["ip", "-br", "link"])).stdout,
      rules: (await run(["nft", "list", "ruleset"])).stdout,
      mounts: fs.readFileSync("/proc/self/mounts", "utf8"),
      forward: fs.readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8"),
    });
    const before = await look();
    const sandbox = await start();
    const outside = await sandbox.outside.exec(["readlink", "/proc/self/ns/net"]);
    const namespaces = [...namespacesOf(sandbox.pid), outside.stdout.trim()];
    await sandbox.exec(["virsh", "net-create", "/dev/stdin"], {
      input: `<network><name>n</name><forward mode='nat'/><bridge name='n0'/><ip address='10.9.0.1' netmask='255.255.255.0'><dhcp>
        <range start='10.9.0.2' end='10.9.0.9'/></dhcp></ip></network>`,
    });
    assert.deepEqual(await look(), before);
    assert.ok(inNamespaces(namespaces).length > 3);
    await sandbox.stop();
    assert.deepEqual(await look(), before);
    assert.deepEqual(inNamespaces(namespaces), []);
    assert.equal(fs.existsSync(sandbox.dir), false);
  });

  it("end when their starter is killed", async () => {
    const name = `killed-${process.pid}`;
    const child = starter(name);
    const namespaces = namespacesOf(await firstLine(child));
    child.kill("SIGKILL");
    assert.ok(await eventually(async () => inNamespaces(namespaces).length === 0 && !(await isListed(name)), 3000));
  });

  it("leave nothing in the way when their starter is killed while they start", async () => {
    const name = `mid-${process.pid}`;
    for (const delay of [60, 90, 120, 150, 180, 220, 300]) {
      const child = starter(name);
      await sleep(delay);
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      const sandbox = await start({ name });
      assert.equal((await sandbox.exec(["virsh", "list"])).code, 0);
      await sandbox.stop();
    }
    assert.equal(await isListed(name), false);
    const { stdout } = await run(["ps", "-eo", "args"]);
    assert.doesNotMatch(stdout, new RegExp(`init\\.sh ${name}`));
  });

  it("outlive their starter when detached, until they are stopped by name", async () => {
    const name = `detached-${process.pid}`;
    const script = "require(process.argv[1]).startSandbox({ name: process.argv[2], detached: true })";
    assert.equal((await run([process.execPath, "-e", script, ROOM, name])).code, 0);
    const sandbox = await openSandbox(name);
    await sleep(100);
    assert.equal((await sandbox.exec(["virsh", "list"])).code, 0);
    assert.equal(await stopSandbox(name), true);
    assert.equal(await isListed(name), false);
    assert.equal(await stopSandbox(name), false);
  });

  it("are told apart when many want one name at once: one gets it", async () => {
    const name = `race-${process.pid}`;
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => start({ name })));
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("say why they do not start", async () => {
    await assert.rejects(startSandbox({ name: "a/b" }), /cannot be a sandbox's name/);
    await assert.rejects(startSandbox({ root: "/proc" }), /apt-get install .*libvirt-daemon-system/);
  });

  it("take no commands when they have ended", async () => {
    const sandbox = await start();
    await sandbox.stop();
    await assert.rejects(sandbox.exec(["true"]), /has ended/);
    assert.throws(() => sandbox.path("/run"), /has ended/);
  });

  it("have no way out when that is not wanted", async () => {
    const sandbox = await start({ uplink: false });
    assert.equal((await sandbox.exec(["ip", "link", "show", "up0"])).code, 1);
  });

  it("run the libvirtd of another root filesystem, with its own choice of firewall", async function () {
    const root = process.env.VIRTNET_TEST_ROOT;
    if (!root) skip(this, "VIRTNET_TEST_ROOT names no root filesystem with libvirt 10.4 or newer");
    const sandbox = await start({ root, firewallBackend: "nftables" });
    const input = `<network><name>n</name><forward mode='nat'/><bridge name='n0'/>
      <ip address='10.9.0.1' netmask='255.255.255.0'><dhcp><range start='10.9.0.2' end='10.9.0.9'/></dhcp></ip></network>`;
    const created = await sandbox.exec(["virsh", "net-create", "/dev/stdin"], { input });
    assert.equal(created.code, 0, created.stderr);
    assert.match((await sandbox.exec(["nft", "list", "tables"])).stdout, /table ip libvirt_network/);
    const { stdout } = await run(["virsh", "-c", sandbox.uri, "hostname"]);
    assert.equal(stdout.trim(), sandbox.name);
    assert.match((await sandbox.exec(["touch", "/etc/left"])).stderr, /Read-only file system/);
  });
});
