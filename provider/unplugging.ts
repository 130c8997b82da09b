/** NICs whose delete runs in this process, for who waits until they are gone. */

/** A NIC of a VM. */
export interface Leaving {
  /** UUID of the VM. */
  domain: string;
  mac: string;
}

const running = new Map<string, Promise<unknown>>();
/** Called when another one begins. */
const waiting = new Set<() => void>();

const keyOf = ({ domain, mac }: Leaving): string => `${domain}/${mac}`.toLowerCase();

/** `work` is the delete of the NIC. */
export async function unplugging<T>(nic: Leaving, work: () => Promise<T>): Promise<T> {
  const key = keyOf(nic);
  const done = work();
  running.set(key, done);
  for (const look of waiting) look();
  try {
    return await done;
  } finally {
    if (running.get(key) === done) running.delete(key);
  }
}

export const isUnplugging = (nic: Leaving): boolean => running.has(keyOf(nic));

/**
 * Waits for the deletes of the NICs, however they end.
 * @param beginMs how long one that does not run yet is waited for.
 */
export async function unplugged(nics: readonly Leaving[], beginMs: number, signal?: AbortSignal): Promise<void> {
  const until = performance.now() + beginMs;
  await Promise.all(
    nics.map(async (nic) => {
      await begun(nic, until, signal);
      await running.get(keyOf(nic))?.catch(() => undefined); // its own resource says why
    }),
  );
}

function begun(nic: Leaving, until: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      waiting.delete(look);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const look = (): void => {
      if (isUnplugging(nic)) end();
    };
    const timer = setTimeout(end, Math.max(0, until - performance.now()));
    waiting.add(look);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    look();
  });
}
