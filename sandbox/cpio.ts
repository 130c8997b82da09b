/** An archive as the kernel unpacks it at its start. */
export interface CpioFile {
  name: string;
  mode: number;
  data: Buffer;
}

/** In the kernel's format ("newc"). */
export function cpio(dirs: string[], files: CpioFile[]): Buffer {
  const parts: Buffer[] = [];
  const pad = (length: number) => Buffer.alloc((4 - (length % 4)) % 4);
  const add = ({ name, mode, data }: CpioFile, inode: number) => {
    const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`);
    parts.push(head, pad(head.length), data, pad(data.length));
  };
  const all = [...dirs.map((name) => ({ name, mode: 0o040755, data: Buffer.alloc(0) })), ...files];
  all.forEach((file, index) => {
    add(file, index + 1);
  });
  add({ name: "TRAILER!!!", mode: 0, data: Buffer.alloc(0) }, 0);
  return Buffer.concat(parts);
}
