/**
 * That a change of a host's interfaces is open, and whose: libvirt tells neither. A file on the host, beside libvirt's own, so that
 * it is found after a run that died; where no command can be run there, in this process.
 */
import { VirtnetError } from "../../../handler.js";
import { whyFailed } from "../../../host/channel.js";
import type { Access } from "../backend.js";

export interface Note {
  /** The link that changes. */
  link: string;
  /** Interfaces that were active before. */
  active: string[];
}

export interface Notes {
  read(): Promise<Note | undefined>;
  write(note: Note): Promise<void>;
  clear(): Promise<void>;
}

const FILE = "/var/lib/libvirt/virtnet-links.change";
const kept = new Map<string, Note>();

export function notesOf({ host: { uri }, channel }: Access): Notes {
  if (!channel)
    return {
      read: async () => kept.get(uri),
      write: async (note) => void kept.set(uri, note),
      clear: async () => void kept.delete(uri),
    };
  const sh = async (script: string, ...words: string[]): Promise<string> => {
    const { stdout, stderr, code } = await channel.run(["sh", "-c", script, "sh", FILE, ...words]);
    if (code !== 0) throw new VirtnetError(`${FILE} on host ${uri}: ${whyFailed(stderr, code)}`);
    return stdout;
  };
  return {
    async read() {
      const text = await sh('if [ -e "$1" ]; then cat "$1"; fi');
      return text.trim() === "" ? undefined : (JSON.parse(text) as Note);
    },
    async write(note) {
      await sh('printf "%s\\n" "$2" > "$1.new" && sync "$1.new" && mv "$1.new" "$1"', JSON.stringify(note));
    },
    async clear() {
      await sh('rm -f "$1"');
    },
  };
}
