import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { delay } from "../../bench/lib/delay.js";
import { Host } from "../../provider/host/hosts.js";
import { LibvirtError, open, openPool } from "../../provider/libvirt/index.js";
import { withSandbox } from "../support/sandbox.js";

describe("a host at the end of a slow line", () => {
  const host = withSandbox();
  const count = 200;
  const roundTripMs = 40;
  let dir: string;

  before(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-far-"));
    const near = await open(host().uri);
    for (let n = 0; n < count; n++)
      await near.networks.define(`<network><name>far${n}</name><bridge name='far${n}'/></network>`);
    await near.networks.start({ name: "far7" });
    await near.close();
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  const far = async (name: string) => {
    const socket = path.join(dir, name);
    const line = await delay(socket, new URLSearchParams(host().uri.split("?")[1]).get("socket") ?? "", roundTripMs);
    const uri = `qemu+unix:///system?socket=${socket}`;
    return { line, host: new Host(uri, openPool(uri)) };
  };

  it("is read over several connections at once: the same networks, each definition once", async () => {
    const { line, host: there } = await far("fast");
    const near = await open(host().uri);
    const expected = new Map((await near.networks.list()).map((network) => [network.uuid, network]));
    assert.deepEqual(await there.networks(), expected);
    assert.ok(line.atOnce() >= 3 && line.atOnce() <= there.pool.size, `${line.atOnce()} at once`);
    const { virNetworkGetXMLDesc } = await there.pool.callCounts();
    assert.equal(virNetworkGetXMLDesc, count + 1); // the running one has two
    await there.pool.close();
    await near.close();
    await line.close();
  });

  it("fails as one call would when the line breaks meanwhile, and is read again when it is back", async () => {
    const { line, host: there } = await far("breaks");
    const listing = assert.rejects(
      there.networks(),
      (e: LibvirtError) => e instanceof LibvirtError && e.class === "transport",
    );
    setTimeout(() => void line.close(), 1500);
    await listing;
    const { line: again } = await far("breaks");
    assert.equal((await there.networks()).size, count);
    await there.pool.close();
    await again.close();
  });
});

describe("a host nearby", () => {
  const host = withSandbox();

  it("is read over one connection", async () => {
    const there = new Host(host().uri, openPool(host().uri));
    await there.use("define", (c) => c.networks.define("<network><name>near</name></network>"));
    await there.pool.close();
    const again = new Host(host().uri, openPool(host().uri));
    assert.deepEqual(
      [...(await again.networks()).values()].map(({ name }) => name),
      ["near"],
    );
    assert.deepEqual((await again.pool.callCounts()).virConnectOpenReadOnly, 1);
    await again.pool.close();
  });
});
