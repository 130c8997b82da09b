// The demo: networks of all five modes on a throwaway host, from `pulumi up` to `pulumi destroy`, with two virtual
// machines that watch. It checks everything it says; the exit code is 1 when a claim does not hold.
//
//   node scripts/demo/story.mjs FOLDER-OF-THE-PULUMI-CLI
import { createRequire } from "node:module";
import { Sentence, sleep } from "../lib/run.mjs";
import { namespaceOf, Program } from "./program.mjs";
import { claim, conclude, part, print, say, show } from "./voice.mjs";

const require = createRequire(import.meta.url);
const { startSandbox } = require("../../dist/sandbox/index.js");
const { startGuest } = require("../../dist/sandbox/guests.js");
const { bridgeUplink, joinGuests, measureReach, reachTable } = require("../../dist/sandbox/reach.js");

const GATEWAY = "192.168.100.1";
const MACS = { web: "52:54:00:00:00:0a", db: "52:54:00:00:00:0b" };
/** The host's address on each network that has one. */
const ADDRESSES = {
  dev: { v4: `${GATEWAY}/24`, v6: "fd00:100::1/64" },
  dmz: { v4: "198.51.100.1/24", v6: "2001:db8:51::1/64" },
  lab: { v4: "10.30.0.1/24", v6: "fd00:30::1/64" },
  storage: { v4: "10.20.0.1/24", v6: "fd00:20::1/64" },
};
const subnetOf = (address) => address.replace(/1\//, address.includes(":") ? "/" : "0/");
/** host, same network, outside, from outside. */
const PROMISES = {
  dev: ["nat", "yes", "yes", "yes", "no"],
  dmz: ["route", "yes", "yes", "yes", "yes"],
  lab: ["open", "yes", "yes", "yes", "yes"],
  storage: ["isolated", "yes", "yes", "no", "no"],
  lan: ["bridge", "yes", "yes", "yes", "yes"],
};

let sandbox;
let program;
let ending;

/** Ends everything that was started; a second call waits for the first. */
function end() {
  ending ??= (async () => {
    program?.end();
    await sandbox?.stop();
  })();
  return ending;
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    console.log("\nStopped. Ending the host and removing the program's copy.");
    await end();
    process.exit(130);
  });
}

async function main(pulumiDir) {
  await part("A throwaway host", async () => {
    sandbox = await startSandbox();
    await bridgeUplink(sandbox, "br0");
    program = new Program("demo", pulumiDir);
    say(
      `It has a real libvirtd (${(await host("libvirtd", "--version")).split(" ").at(-1)}) and network namespaces of its own; libvirt and network of this ` +
        `machine are not touched. Its uplink is on a bridge, br0, and leads to another namespace that plays the outside: ` +
        `${sandbox.outsideAddress.v4}.`,
    );
    claim("No libvirt network is there.", (await networks()).length === 0);
  });

  await part("pulumi up: a network of each mode", async () => {
    say(
      "The program is a copy of examples/demo. The CLI is the real one, its state is in a folder. What it prints is shortened " +
        "here. Of the resources that it counts one is the stack itself.",
    );
    await pulumiMust("stack", "init", "demo");
    await pulumiMust("config", "set", "virtnet:uri", sandbox.uri);
    showPulumi("pulumi up --yes --skip-preview", (await pulumiMust("up", "--yes", "--skip-preview")).text);
    show("virsh net-list", table(await host("virsh", "net-list")));
    claim("libvirt runs all five.", String(await networks()) === String(Object.keys(PROMISES).sort()));
  });

  let web;
  let db;
  await part("Two virtual machines on the nat network", async () => {
    say("They are real ones, web and db: Debian's kernel with busybox in 128 MiB, emulated, so no KVM is needed.");
    [web, db] = await Promise.all(
      Object.entries(MACS).map(([name, mac]) => startGuest(sandbox, { name, nics: [{ network: "dev", mac }] })),
    );
    await Promise.all([web.waitReady(150_000), db.waitReady(150_000)]);
    const leases = table(await host("virsh", "net-dhcp-leases", "dev"));
    const width = leases[0].indexOf("Client ID"); // What follows is long and says nothing new.
    show(
      "virsh net-dhcp-leases dev",
      leases.map((line) => line.slice(0, width)),
    );
    const [webAddress, dbAddress] = await Promise.all([web, db].map(addressOf));
    claim(`web has the lease ${webAddress}, db has ${dbAddress}.`, inRange(webAddress) && inRange(dbAddress));
    claim("web reaches db by name.", await reaches(web, "db"));
    claim("web reaches the host.", await reaches(web, GATEWAY));
    claim("web reaches the outside.", await reaches(web, sandbox.outsideAddress.v4));
    await routeTo("dev");
    const answer = await outside(`ping -n -c2 -i0.3 -W1 ${webAddress}`);
    claim("The outside does not reach web, although it has a route there.", answer.code !== 0, answer.stdout);
  });

  await part("A change while they run: a DHCP reservation and a DNS name", async () => {
    say("Two lines are added to the program:");
    addLine("dhcp: {", `        hosts: [{ mac: "${MACS.db}", name: "db", ip: "192.168.100.10" }],`);
    addLine("domain: {", `  dns: { hosts: [{ ip: "${GATEWAY}", hostnames: ["mirror.dev.test"] }] },`);
    const preview = await pulumi("preview");
    showPulumi("pulumi preview", preview.text);
    claim("The preview says that the change is live.", /network dev: .*changed live/.test(preview.text));
    const before = await web.exec("nslookup mirror.dev.test");
    const pings = await ping({ db: "db", "the host": GATEWAY, "the outside": sandbox.outsideAddress.v4 }, web);
    showPulumi("pulumi up --yes --skip-preview", (await pulumiMust("up", "--yes", "--skip-preview")).text);
    await sleep(500);
    const lost = await pings();
    const after = await web.exec("nslookup mirror.dev.test");
    claim("web resolves mirror.dev.test, which it could not before.", before.code !== 0 && after.code === 0);
    await db.exec("killall -q udhcpc; ip addr flush dev eth0");
    await db.up("eth0");
    claim("db, asking for an address again, is given the reserved one.", (await addressOf(db)) === "192.168.100.10");
    for (const [to, { sent, lostSequences }] of Object.entries(lost)) {
      claim(
        `Of ${sent} pings from web to ${to} meanwhile, ${count(lostSequences.length)} lost.`,
        sent > 0 && lostSequences.length === 0,
      );
    }
    say(
      "For a change of DHCP libvirt takes the network's firewall rules away and sets them anew. They are kept meanwhile, or pings " +
        "to the outside would be lost.",
    );
  });

  await part("A change that libvirt cannot make live: the MTU", async () => {
    say("One line is added:");
    addLine("const dev", "  mtu: 1400,");
    const preview = await pulumi("preview");
    showPulumi("pulumi preview", preview.text);
    claim("The preview says that it restarts, and who is affected.", /restarts it in place.*web/s.test(preview.text));
    const pings = await ping({ db: "192.168.100.10", "the host": GATEWAY }, web);
    showPulumi("pulumi up --yes --skip-preview", (await pulumiMust("up", "--yes", "--skip-preview")).text);
    await sleep(500);
    const lost = await pings();
    const { db: between, "the host": gateway } = lost;
    claim(
      `web and db stayed connected: of ${between.sent} pings between them ${count(between.lostSequences.length)} lost, with ` +
        `no answer for ${between.maxGapMs} ms at most.`,
      between.received > 0 && between.maxGapMs < 1000,
    );
    claim(
      `The host was away for ${(gateway.maxGapMs / 1000).toFixed(1)} s, while the network restarted.`,
      gateway.received > 0 && gateway.maxGapMs < 10_000,
    );
    claim(
      "web reaches db, the host and the outside again.",
      (await Promise.all(["192.168.100.10", GATEWAY, sandbox.outsideAddress.v4].map((to) => reaches(web, to)))).every(
        Boolean,
      ),
    );
  });

  await part("No noise: program, state and host agree", async () => {
    const preview = await pulumi("preview", "--refresh", "--expect-no-changes");
    showPulumi("pulumi preview --refresh --expect-no-changes", preview.text);
    claim("preview --refresh shows no difference.", preview.code === 0);
  });

  await part("Who reaches whom, measured", async () => {
    say(
      "Two more guests on each network, this time namespaces, send packets. The outside has a route to each subnet, so " +
        "that a no is a refusal: for dmz as the output upstreamRoutes says, for the others by hand. The IPv6 of dev is as hidden as its " +
        "IPv4, since the program says nat: { ipv6: true }.",
    );
    const outputs = JSON.parse((await pulumiMust("stack", "output", "--json")).text);
    for (const { destination, via } of outputs.upstreamRoutes) await outside(`ip route add ${destination} via ${via}`);
    for (const name of ["lab", "storage"]) await routeTo(name);
    const joined = await joinGuests(
      sandbox,
      Object.keys(PROMISES).map((name) => {
        const bridge = outputs.bridges[name];
        if (name !== "lan") return { name, bridge, ...ADDRESSES[name] };
        const { v4, v6 } = sandbox.hostAddress;
        return { name, bridge, v4: `${v4}/24`, v6: `${v6}/64`, gateway: sandbox.outsideAddress };
      }),
    );
    const rows = await measureReach(sandbox, joined);
    for (const { guests } of joined) await Promise.all(guests.map((guest) => guest.stop()));
    const named = rows.map((row) => ({ ...row, network: `${row.network} (${PROMISES[row.network][0]})` }));
    print(`\n${reachTable(named).replace(/^/gm, "     ")}\n`);
    const kept = rows.every((row) => {
      const [, ...promised] = PROMISES[row.network];
      const measured = [row.host, row.sameNetwork, row.outside, row.fromOutside];
      return measured.every((answer, i) => (answer === "yes") === (promised[i] === "yes"));
    });
    claim(
      "Each cell is what docs/modes.md promises, IPv4 and IPv6 (the host's firewall lets everything through).",
      kept && rows.length === 10,
    );
  });

  await part("pulumi destroy", async () => {
    say("First dev alone, while web and db are on it:");
    const refused = await pulumi("destroy", "--yes", "--skip-preview", "--target", "**::dev");
    showPulumi("pulumi destroy --yes --skip-preview --target '**::dev'", refused.text);
    claim(
      "A network with guests on it is not destroyed.",
      refused.code !== 0 && /in use by .*(web|db)/.test(refused.text),
    );
    await Promise.all([web.stop(), db.stop()]);
    say("The two virtual machines are shut down and removed.");
    showPulumi("pulumi destroy --yes --skip-preview", (await pulumiMust("destroy", "--yes", "--skip-preview")).text);
  });

  await part("Nothing is left", async () => {
    claim("virsh net-list --all is empty.", (await networks()).length === 0);
    const links = [...(await host("ip", "-o", "link")).matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name);
    claim(`The host's links are those it had: ${links.join(", ")}.`, String(links.sort()) === "br0,lo,up0");
    claim("No dnsmasq runs on it.", !(await host("ps", "-eo", "comm")).includes("dnsmasq"));
    const resources = JSON.parse((await pulumiMust("stack", "export")).text).deployment.resources ?? [];
    claim("The stack's state is empty.", resources.length === 0);
    const ofSandbox = namespaceOf(sandbox.pid);
    const ofPulumi = program.processes.bind(program);
    await end();
    const left = [...ofSandbox(), ...ofPulumi()];
    claim("The host is gone; no process of it or of Pulumi is left.", left.length === 0, left.join(", "));
  });
}

// ---------------------------------------------------------------------------------------------------------------------

const pulumi = (...args) => program.pulumi(...args);

async function pulumiMust(...args) {
  const run = await pulumi(...args);
  if (run.code !== 0) throw new Sentence(`pulumi ${args.join(" ")} ended with ${run.code}:\n${run.text}`);
  return run;
}

async function host(...argv) {
  const { stdout, stderr, code } = await sandbox.exec(argv);
  if (code !== 0) throw new Error(`${argv.join(" ")} on the host: ${stderr}`);
  return stdout.trim();
}

const outside = (script) => sandbox.outside.exec(["sh", "-c", script]);
/** The outside learns the way to a network, as its router would. */
async function routeTo(name) {
  for (const family of ["v4", "v6"])
    await outside(`ip route add ${subnetOf(ADDRESSES[name][family])} via ${sandbox.hostAddress[family]}`);
}

const networks = async () => (await host("virsh", "net-list", "--all", "--name")).split("\n").filter(Boolean).sort();
const addressOf = async (guest) => (await guest.addresses())[0]?.v4[0]?.replace(/\/.*/, "");
const inRange = (address) => /^192\.168\.100\.1\d\d$/.test(address ?? "");
const reaches = async (guest, to) => (await guest.exec(`ping -c1 -W2 ${to}`)).code === 0;
const count = (n) => (n === 0 ? "none was" : n === 1 ? "1 was" : `${n} were`);

/** Pings from a guest, every 20 ms, until the answer is called. */
async function ping(targets, guest) {
  const running = await Promise.all(
    Object.entries(targets).map(async ([to, address]) => [to, await guest.startPing(address)]),
  );
  return async () =>
    Object.fromEntries(await Promise.all(running.map(async ([to, ping]) => [to, await guest.stopPing(ping)])));
}

/** Adds a line to the program, after the first that has `after`, and shows it. */
function addLine(after, line) {
  program.edit("index.ts", after, line);
  print(`     + ${line}`);
}

/** What a virsh table says, without its empty lines. */
const table = (text) =>
  text
    .split("\n")
    .filter((line) => !/^-*$/.test(line.trim()))
    .map((line) => line.trim());

/** What the CLI says, without what is the same for all programs: each resource once, at its end, and no outputs. */
function showPulumi(command, text) {
  const lines = [];
  const told = new Set();
  let inOutputs = false;
  for (const raw of text.replaceAll("pulumi-nodejs:dynamic/virtnet:", "").split("\n")) {
    const line = raw.trim().replace(/(\*\*.*\*\*) error: .*/, "$1");
    if (/^(Outputs|Resources):$/.test(line)) inOutputs = line === "Outputs:";
    if (
      inOutputs ||
      line === "" ||
      /^@ |^Diagnostics:$|^If you want to remove|^The resources in the stack have/.test(line)
    )
      continue;
    if (/pulumi:pulumi:Stack|^Network \(|(creat|delet|updat|refresh)ing \(|refreshing$|error: update failed/.test(line))
      continue;
    // A refresh says of each resource that it was read; then it says it again where nothing is to be done.
    if (/^(~ {2}Network \S+ refresh|Network \S+)$/.test(line)) continue;
    const what = line.replace(/^(error|virtnet): /, "");
    if (told.has(what)) continue;
    told.add(what);
    if (/^([-+~] )?\d+ [a-z]/.test(line))
      lines[lines.length - 1] += `${lines.at(-1) === "Resources:" ? "" : ","} ${line}`;
    else lines.push(line);
  }
  show(command, lines);
}

try {
  await main(process.argv[2]);
  process.exitCode = conclude();
} catch (error) {
  if (!ending) console.error(error instanceof Sentence ? `\nThe demo ends here: ${error.message}` : error);
  process.exitCode = 1;
} finally {
  await end();
}
