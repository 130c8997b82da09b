/**
 * Commands on a host by a program of the user's own, for hosts that are neither local nor reached by ssh: `qemu+tls`, `qemu+tcp`,
 * a socket that was forwarded. The program starts a shell there, which reads what it shall run on its input, as `ssh HOST sh` does.
 *
 * ```sh
 * export VIRTNET_COMMAND='["ssh", "admin@{host}", "sh"]'
 * ```
 */
import * as net from "node:net";
import { VirtnetError } from "../handler.js";

/** Of libvirtd (docs/remote.rst): TLS and TCP. */
const PORTS: Readonly<Record<string, number>> = { tls: 16514, "": 16514, tcp: 16509 };

interface Place {
  host: string;
  /** That libvirt is connected to; undefined: it is no TCP connection. */
  port?: number;
}

function placeOf(uri: string): Place {
  const [, transport = "", authority = ""] = /^\w+(?:\+(\w+))?:\/\/([^/?]*)/.exec(uri) ?? [];
  if (authority === "") return { host: "" };
  const { hostname, port } = new URL(`tcp://${authority}`);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const usual = PORTS[transport];
  return usual === undefined ? { host } : { host, port: port === "" ? usual : Number(port) };
}

/** The configured program with its arguments, `{host}` in one of them being the URI's; undefined: there is none. */
export function configuredCommand(uri: string, configured = process.env.VIRTNET_COMMAND): string[] | undefined {
  if (configured === undefined || configured === "") return undefined;
  let words: unknown;
  try {
    words = JSON.parse(configured);
  } catch {
    words = undefined;
  }
  if (!Array.isArray(words) || words.length === 0 || !words.every((w) => typeof w === "string"))
    throw new VirtnetError(
      `VIRTNET_COMMAND (stack config virtnet:command) is ${JSON.stringify(configured)}: write a JSON list of words, as ["ssh", "admin@{host}", "sh"]`,
    );
  const { host } = placeOf(uri);
  return words.map((word: string) => word.replaceAll("{host}", host));
}

/** Whether libvirt's port there takes a new connection. @returns why not. */
export function knock(uri: string, limitMs: number): Promise<string | undefined> {
  const { host, port } = placeOf(uri);
  if (port === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const end = (why: string | undefined) => {
      clearTimeout(late);
      socket.destroy();
      resolve(why);
    };
    const late = setTimeout(() => end("no answer"), limitMs);
    socket.on("connect", () => end(undefined));
    socket.on("error", (e) => end(e.message));
  }).then((why) => (why === undefined ? undefined : `libvirt at ${host} port ${port}: ${String(why)}`));
}
