/** NICs whose delete runs in this process, for who waits until they are gone. */

/** By MAC: a VM that was made anew has another UUID than the state of its NIC. */
const running = new Map<string, Promise<unknown>>();
/** Called when another one begins. */
const waiting = new Set<() => void>();

/** `work` is the delete of the NIC. */
export async function unplugging<T>(mac: string, work: () => Promise<T>): Promise<T> {
  const key = mac.toLowerCase();
  const done = work();
  running.set(key, done);
  for (const look of waiting) look();
  try {
    return await done;
  } finally {
    if (running.get(key) === done) running.delete(key);
  }
}

/**
 * Waits for the deletes of the NICs, however they end.
 * @param beginMs how long one that does not run yet is waited for.
 * @returns whether there was any.
 */
export async function unplugged(macs: readonly string[], beginMs: number, signal?: AbortSignal): Promise<boolean> {
  const until = performance.now() + beginMs;
  const ran = await Promise.all(
    macs.map(async (mac) => {
      const its = await begun(mac.toLowerCase(), until, signal);
      await its?.done.catch(() => undefined); // its own resource says why
      return its !== undefined;
    }),
  );
  return ran.includes(true);
}

function begun(
  key: string,
  until: number,
  signal: AbortSignal | undefined,
): Promise<{ done: Promise<unknown> } | undefined> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      waiting.delete(look);
      signal?.removeEventListener("abort", end);
      const done = running.get(key);
      resolve(done && { done });
    };
    const look = (): void => {
      if (running.has(key)) end();
    };
    const timer = setTimeout(end, Math.max(0, until - performance.now()));
    waiting.add(look);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    look();
  });
}
