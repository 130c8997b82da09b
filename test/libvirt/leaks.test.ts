import { assertNothingLost, assertStays } from "./memory.js";

const network = (name: string) =>
  `<network><name>${name}</name><ip address='10.3.0.1' prefix='24'><dhcp><range start='10.3.0.2' end='10.3.0.99'/></dhcp></ip></network>`;

/** One of each kind of call, and the ways in which they fail. `xml` is a network that is not defined. */
const calls: Record<string, string> = {
  "a network is read": `c.networks.get({ name: "default" })`,
  "a network is looked for in vain": `c.networks.get({ name: "nope" })`,
  "networks are listed": `c.networks.list()`,
  "networks are listed by filter": `c.networks.list({ active: true, xml: false })`,
  "a network is defined and undefined": `c.networks.undefine(await c.networks.define(xml))`,
  "a network comes and goes": `c.networks.destroy(await c.networks.createXml(xml))`,
  "XML is refused": `fails(c.networks.define("<broken"))`,
  "a call fails on a network": `fails(c.networks.start({ name: "default" }))`,
  "autostart is set, and a bridge's name read": `c.networks.setAutostart({ name: "default" }, false).then(() => c.networks.bridgeName({ name: "default" }))`,
  "a domain is read": `c.domains.get({ name: "test" })`,
  "domains are listed": `c.domains.list()`,
  "a domain pauses": `c.domains.suspend({ name: "test" }).then(() => c.domains.resume({ name: "test" }))`,
  "addresses are read": `c.domains.interfaceAddresses({ name: "test" }, "lease")`,
  "a domain's call is refused": `fails(c.domains.jobInfo({ name: "test" }))`,
  "links are listed": `c.interfaces.list({ inactive: true })`,
  "a link is looked for in vain": `c.interfaces.get("nope")`,
  "capabilities are read": `c.capabilities()`,
  "events are subscribed to": `(await c.onEvent(() => undefined))()`,
};

describe("what libvirt has handed over is given back", () => {
  it("by each call: no memory is in use afterwards that was not before", async function () {
    this.timeout(180_000);
    await assertNothingLost("test:///default", calls, `const xml = ${JSON.stringify(network("n"))};`);
  });

  it("by 20,000 calls, 4,000 errors and 100 reconnects among them: memory, file descriptors and threads are as after 10,000", async function () {
    this.timeout(180_000);
    const round = `
      const c = await libvirt.open("test:///default");
      const off = round % 2 ? await c.onEvent(() => undefined) : undefined;
      for (let i = 0; i < 20; i++) {
        const ref = await c.networks.define(${JSON.stringify(network("n"))}.replace("<name>n", "<name>n" + i));
        await c.networks.get(ref); await c.networks.list(); await c.domains.list(); await c.interfaces.list();
        await fails(c.networks.start({ name: "nope" }));
        await fails(c.networks.define("<broken"));
        await c.domains.interfaceAddresses({ name: "test" }, "lease"); await c.capabilities();
        await c.networks.undefine(ref);
      }
      if (off && round % 4 === 1) await off();
      await c.close();`;
    await assertStays(round, 50);
  });
});
