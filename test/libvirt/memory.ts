/** Memory that libvirt has handed over and that nobody gave back, counted in a process of its own. */
import assert from "node:assert/strict";
import { inChild, lines } from "./child.js";

/**
 * For children that count memory: `await settled()` is the state after collecting garbage: bytes that C has got from malloc and not
 * given back (glibc's mallinfo2, over all arenas and mappings), resident memory, file descriptors, threads.
 */
const settled = `
  const koffi = require(${JSON.stringify(require.resolve("koffi"))});
  const fields = ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"];
  koffi.struct("mallinfo2", Object.fromEntries(fields.map((name) => [name, "size_t"])));
  const mallinfo2 = koffi.load(null).func("mallinfo2 mallinfo2()");
  const count = (dir) => require("node:fs").readdirSync("/proc/self/" + dir).length;
  const settled = async () => {
    for (let i = 0; i < 3; i++) { global.gc(); await new Promise((r) => setTimeout(r, 20)); }
    const { uordblks, hblkhd } = mallinfo2();
    return { bytes: Number(uordblks) + Number(hblkhd), mb: process.memoryUsage().rss / 1e6, fds: count("fd"), threads: count("task") };
  };`;

/** So that the numbers are those of libvirt: no cache in each thread that counts as in use, and little garbage that waits in the heap of a worker. */
const counting = {
  env: { GLIBC_TUNABLES: "glibc.malloc.tcache_count=0" },
  timeoutMs: 170_000,
  nodeArgs: ["--expose-gc", "--max-semi-space-size=1"],
};

/** What may be called in a measured program beside `libvirt`. */
const prelude = `${settled}
  const fails = (p) => p.then(() => { throw new Error("should fail"); }, () => undefined);`;

/**
 * Bytes a call. Node's own come in some rounds and go in others; what is left of them is below 10. malloc gives no piece below
 * 32, so whatever each call loses is seen. Tried by hand: where network handles are not freed, all calls that use one lose 118 or more;
 * where the text of a bridge's name is not, its call loses 32.
 */
const toleratedBytes = 24;
const rounds = 5;
const callsARound = 300;

/**
 * Each of these calls, pieces of a program by name, gives back all memory. There, `c` is a connection to the URI, and `fails(promise)` expects it to reject.
 * `setUp` runs before.
 */
export async function assertNothingLost(uri: string, calls: Record<string, string>, setUp = ""): Promise<void> {
  const program = `
    ${prelude}
    const c = await libvirt.open(${JSON.stringify(uri)});
    ${setUp}
    const calls = { ${Object.entries(calls).map(([name, call]) => `${JSON.stringify(name)}: async () => ${call}`)} };
    for (const [name, call] of Object.entries(calls)) {
      for (let i = 0; i < ${callsARound}; i++) await call();
      const levels = [(await settled()).bytes];
      for (let round = 0; round < ${rounds}; round++) {
        for (let i = 0; i < ${callsARound}; i++) await call();
        levels.push((await settled()).bytes);
      }
      print([name, levels]);
    }
    await c.close();`;
  const levels = lines(await inChild(program, counting.env, counting)) as [string, number[]][];
  assert.equal(levels.length, Object.keys(calls).length);
  const lost = levels.map(([name, of]) => ({ name, bytes: Math.round(slope(of) / callsARound) }));
  console.log(`      bytes a call: ${lost.map(({ name, bytes }) => `${name} ${bytes}`).join(", ")}`);
  assert.deepEqual(
    lost.filter(({ bytes }) => bytes > toleratedBytes),
    [],
  );
}

/** The median of the slopes between any two (Theil and Sen): pieces of Node's own that are there at every other reading count for nothing. */
function slope(levels: number[]): number {
  const slopes = levels.flatMap((to, i) => levels.slice(0, i).map((from, j) => (to - from) / (i - j)));
  return slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)] as number;
}

/** Threads that ended leave malloc arenas behind, which glibc uses again: what is resident says little by itself, but has to stay. */
const toleratedMb = 8;
/** koffi (3.3.4) itself keeps 19 KB of each thread that has loaded it and ended, 24 KB with a few functions and structures declared; here 26 KB, on a busy machine 32 KB. */
const toleratedBytesAReconnect = 45_000;

/** As much work again leaves memory, file descriptors and threads as the first half did. `round`, a piece of a program, opens `c` and closes it. */
export async function assertStays(round: string, roundsAHalf: number): Promise<void> {
  const program = `
    ${prelude}
    async function half() {
      for (let round = 0; round < ${roundsAHalf}; round++) {
        ${round}
      }
      print(await settled());
    }
    const awake = setInterval(() => undefined, 1000); // a connection does not keep a process alive that waits for an event
    await half(); await half();
    clearInterval(awake);`;
  const [first, second] = lines(await inChild(program, counting.env, counting));
  console.log(`      ${JSON.stringify(first)} ${JSON.stringify(second)}`);
  assert.equal(second.fds, first.fds);
  assert.ok(second.threads <= first.threads, `${first.threads} threads, then ${second.threads}`);
  assert.ok(second.mb - first.mb < toleratedMb, `${first.mb} MB, then ${second.mb} MB`);
  const lost = (second.bytes - first.bytes) / roundsAHalf;
  assert.ok(lost < toleratedBytesAReconnect, `${lost} bytes a reconnect: ${first.bytes}, then ${second.bytes}`);
}
