/** One change of a host's links at a time: a lock on the host, which goes with the process that has it. */
import { VirtnetError } from "../handler.js";
import type { Channel } from "../host/channel.js";

/** Opened by who waits, too: it is a place to lock and holds nothing. */
const FILE = "/run/virtnet-links.lock";
/** How long another change may take: a checkpoint with LACP and a spanning tree, and its way back. */
const WAIT_S = 300;

/** `flock` keeps the lock as long as its program runs, and that as long as somebody can write to it. */
const holder = (waitS: number): string[] => [
  ...["flock", "-w", String(waitS), FILE, "sh", "-c", "echo held; exec cat > /dev/null"],
];

export async function withLock<T>(channel: Channel, uri: string, work: () => Promise<T>, waitS = WAIT_S): Promise<T> {
  const lock = await channel.hold(holder(waitS), waitS * 1000 + 30_000);
  if (!lock.held) {
    if (lock.why !== "")
      throw new VirtnetError(
        `the lock ${FILE} of host ${uri}, under which its links are changed, cannot be had: ${lock.why}`,
      );
    throw new VirtnetError(
      `another run has been changing the links of host ${uri} for ${waitS} s (it has ${FILE}): run this again when it has ended`,
    );
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
