import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { delay } from "../../bench/lib/delay.js";
import { LibvirtError, open } from "../../provider/libvirt/index.js";
import { skip } from "../skip.js";
import { withSandbox } from "../support/sandbox.js";

describe("a host at the end of a slow line", () => {
  const host = withSandbox();
  const count = 100;
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
    return { line, connection: await open(`qemu+unix:///system?socket=${socket}`) };
  };

  it("is read with several calls at once: the same networks by the same calls", async function () {
    skip(this, "helper threads are off: one that ends while it loads koffi 3.3.4 aborts the process");
    const near = await open(host().uri);
    const { line, connection } = await far("fast");
    const expected = await near.networks.list();
    assert.deepEqual(await connection.networks.list(), expected);
    assert.ok(line.atOnce() >= 4, `${line.atOnce()} at once`);
    const { virNetworkGetXMLDesc } = await connection.callCounts();
    assert.equal(virNetworkGetXMLDesc, count + 1); // the running one has two
    await connection.close();
    await near.close();
    await line.close();
  });

  it("fails as one call would when the line breaks meanwhile", async () => {
    const { line, connection } = await far("breaks");
    const listing = assert.rejects(
      connection.networks.list(),
      (e: LibvirtError) => e instanceof LibvirtError && e.class === "transport",
    );
    setTimeout(() => void line.close(), 300);
    await listing;
    assert.equal(await connection.isAlive(), false);
    await connection.close();
  });
});
