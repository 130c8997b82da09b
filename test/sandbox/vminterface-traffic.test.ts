import assert from "node:assert/strict";
import type { Inputs } from "../../provider/handler.js";
import { closeHosts } from "../../provider/host/hosts.js";
import { forgetRun } from "../../provider/network/run.js";
import { forgetNics } from "../../provider/vminterface/handler.js";
import { type Guest, startGuest } from "../../sandbox/guests.js";
import { startNetwork, withSandbox } from "../support/sandbox.js";
import { driveNic } from "../support/vminterface.js";
import { natXml } from "../support/vms.js";

/** What the guests themselves see, by their pings. */
describe("the traffic of VMs whose NICs change", function () {
  this.timeout(300_000);
  const host = withSandbox();
  const guests: Guest[] = [];
  before("starts guests", async () => {
    await startNetwork(host(), "one", natXml("one", "vt1", 89));
    await startNetwork(host(), "two", natXml("two", "vt2", 90).replace("stp='off'", "stp='on'"));
    for (const name of ["a", "b", "c"]) guests.push(await startGuest(host(), { name }));
    for (const guest of guests) await guest.waitReady();
  });
  after(() => closeHosts());
  beforeEach(() => {
    forgetNics();
    forgetRun();
    return closeHosts();
  });
  const driver = (guest: Guest) => driveNic(host().uri, `${guest.name}-eth0`);
  const address = (guest: Guest): string => `10.89.1.${50 + guests.indexOf(guest)}`;
  const configured = async (guest: Guest) => {
    await guest.exec(
      `for i in $(seq 50); do [ -d /sys/class/net/eth0 ] && break; usleep 100000; done; ip link set eth0 up; ip addr add ${address(guest)}/24 dev eth0`,
    );
  };

  it("guests that move together to another network, and back, lose no packet between them", async () => {
    const drivers = guests.map(driver);
    const all = (more: Inputs) => Promise.all(drivers.map((d, i) => d.up({ domain: guests[i]?.name, ...more })));
    await all({ network: "one" });
    await Promise.all(guests.map(configured));
    const [a, b, c] = guests as [Guest, Guest, Guest];
    assert.equal((await a.exec(`ping -c2 -W5 ${address(b)} && ping -c2 -W5 ${address(c)}`)).code, 0);
    for (const network of ["two", "one", "two", "one", "two", "one"]) {
      const pings = [
        [a, await a.startPing(address(b), 20)],
        [b, await b.startPing(address(c), 20)],
        [c, await c.startPing(address(a), 20)],
      ] as const;
      await a.exec("sleep 0.5");
      await all({ network });
      await a.exec("sleep 0.5");
      const results = await Promise.all(pings.map(([guest, handle]) => guest.stopPing(handle)));
      console.log(results.map((r) => [r.sent, r.lostSequences, r.maxGapMs]));
    }
    for (const d of drivers) await d.destroy();
  });
});
