/** What was done, and how to take it back; knows nothing of NICs. */

interface Entry {
  /** What is there again when it has run: "the old definition". */
  restores: string;
  /** Definitions go back first: a start needs the old one. */
  first: boolean;
  run: () => Promise<void>;
}

export class Undo {
  readonly #entries: Entry[] = [];

  add(restores: string, run: () => Promise<void>, first = false): void {
    this.#entries.push({ restores, run, first });
  }

  /** Take everything back, newest first; goes on where one fails. */
  async run(): Promise<{ restored: string[]; failed: string[] }> {
    const all = this.#entries.splice(0).reverse();
    const restored: string[] = [];
    const failed: string[] = [];
    for (const e of [...all.filter((x) => x.first), ...all.filter((x) => !x.first)]) {
      try {
        await e.run();
        restored.push(e.restores);
      } catch (error) {
        failed.push(`${e.restores} (${error instanceof Error ? error.message : String(error)})`);
      }
    }
    return { restored, failed };
  }
}
