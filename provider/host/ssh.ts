/**
 * Commands on a host that libvirt reaches by `qemu+ssh://`: the system's ssh, with the user's own configuration, keys,
 * jump hosts and checks of host keys. What the URI says beside them is honoured as libvirt does
 * (virNetSocketNewConnectSSH, rpc/virnetsocket.c): user, port, `keyfile`, `known_hosts`, `no_verify`, and `command`, another
 * program in ssh's place.
 *
 * Commands go to a shell's stdin, so the user's login shell there, whichever it is, reads a fixed word and nothing else.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { shellText } from "./quote.js";

export interface SshTarget {
  program: string;
  /** Options that the URI asks for, and the host. */
  options: readonly string[];
  host: string;
}

/** How long the multiplexed connection outlives its last command, in s. */
const PERSIST_S = 60;
/** The shared connection is given up when the host has said nothing for as long as a command may take: the next is a new one. */
const ALIVE = ["ServerAliveInterval=10", "ServerAliveCountMax=3"];

/** `undefined` where the URI is not of this transport. */
export function sshTarget(uri: string): SshTarget | undefined {
  if (!/^\w+\+ssh:\/\//.test(uri)) return undefined;
  const { hostname, port, username, searchParams } = new URL(uri);
  if (hostname === "") return undefined;
  const of = (name: string): string | undefined => searchParams.get(name) || undefined;
  const [keyfile, knownHosts] = [of("keyfile"), of("known_hosts")];
  return {
    program: of("command") ?? "ssh",
    host: decodeURIComponent(hostname).replace(/^\[(.*)\]$/, "$1"),
    options: [
      ...(port === "" ? [] : ["-p", port]),
      ...(username === "" ? [] : ["-l", decodeURIComponent(username)]),
      ...(keyfile === undefined ? [] : ["-i", keyfile]),
      ...(knownHosts === undefined ? [] : ["-o", `UserKnownHostsFile=${optionValue(knownHosts)}`]),
      ...(of("no_verify") === "1" ? ["-o", "StrictHostKeyChecking=no"] : []),
    ],
  };
}

/** ssh splits the value of an option at blanks unless it stands in quotes (ssh_config(5)). */
const optionValue = (value: string): string => `"${value.replaceAll('"', "")}"`;

export interface SshCommand {
  argv: string[];
  /** What ssh's shell reads. */
  input: string;
}

/**
 * `argv` on the target, by sudo where the user there is not root. `anew`: over a connection of its own, which proves that
 * the host can be reached; otherwise over the one that all commands share. `reads`: what follows `input` is for the program.
 */
export function overSsh(target: SshTarget, argv: readonly string[], { anew = false, reads = false } = {}): SshCommand {
  const shared = anew ? undefined : controlPath(target);
  const how = shared
    ? ["ControlMaster=auto", `ControlPath=${shared}`, `ControlPersist=${PERSIST_S}`, ...ALIVE]
    : ["ControlMaster=no", "ControlPath=none"];
  const options = [...how, "BatchMode=yes", "ConnectTimeout=10"].flatMap((option) => ["-o", option]);
  return {
    argv: [target.program, "-T", ...target.options, ...options, "--", target.host, "sh"],
    input: asRoot(argv, reads),
  };
}

/** What a shell on a host reads to run a command there as root. `reads`: what follows is for the command. */
export function asRoot(argv: readonly string[], reads: boolean): string {
  // A shell that reads its text from a pipe takes no more of it than it needs (POSIX sh, STDIN).
  const words = `${shellText(argv)}${reads ? "" : " < /dev/null"}`;
  return `export LC_ALL=C PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin"
if [ "$(id -u)" = 0 ]; then exec ${words}; else exec sudo -n -- env SSH_CONNECTION="$SSH_CONNECTION" ${words}; fi
`;
}

/** A socket's path is at most 107 bytes long, and ssh adds 17 while it makes one: a short folder, a short name. */
function controlPath(target: SshTarget): string | undefined {
  const uid = process.getuid?.() ?? 0;
  const folder = path.join(process.env.XDG_RUNTIME_DIR || os.tmpdir(), `virtnet-ssh-${uid}`);
  const id = createHash("sha256").update(JSON.stringify(target)).digest("hex").slice(0, 16);
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid: owner, mode } = fs.lstatSync(folder);
    // Somebody else's folder could hold somebody else's connection.
    if (owner !== uid || (mode & 0o077) !== 0) return undefined;
  } catch {
    return undefined;
  }
  const socket = path.join(folder, id);
  return Buffer.byteLength(socket) > 90 ? undefined : socket.replaceAll("%", "%%");
}
