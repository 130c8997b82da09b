import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Kept between sandboxes: what is slow to build, and may be deleted at any time. */
export function cacheDir(): string {
  const { VIRTNET_CACHE, XDG_CACHE_HOME } = process.env;
  return path.join(VIRTNET_CACHE || XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "pulumi-virtnet");
}

export function capabilitiesDir(root: string): string {
  const name = `capabilities-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
  const dir = path.join(cacheDir(), name);
  fs.mkdirSync(dir, { recursive: true });
  return dir;
}
