/** Pings: how many got lost, and for how long nothing came through. */
import { randomBytes } from "node:crypto";

export interface PingResult {
  sent: number;
  received: number;
  lostSequences: number[];
  /** Longest time between two answers, from the sequence numbers. */
  maxGapMs: number;
}

export interface PingHandle {
  target: string;
  intervalMs: number;
  file: string;
}

/** What can be asked of every kind of guest. */
export interface Pinger {
  /** Pings in the background, until `stopPing`. */
  startPing(target: string, intervalMs?: number): Promise<PingHandle>;
  stopPing(handle: PingHandle): Promise<PingResult>;
}

type Shell = (command: string) => Promise<{ stdout: string; code: number }>;

export function pinger(shell: Shell, busybox: string): Pinger {
  const elapsed = "$(cut -d' ' -f1 /proc/uptime)";
  return {
    async startPing(target, intervalMs = 20) {
      const file = `/run/ping.${randomBytes(4).toString("hex")}`;
      const ping = `${busybox} ping -i ${intervalMs / 1000} ${target}`;
      await shell(`echo ${elapsed} > ${file}.begin; ${ping} < /dev/null > ${file} 2>&1 & echo $! > ${file}.pid`);
      return { target, intervalMs, file };
    },
    async stopPing({ intervalMs, file }) {
      const { stdout } = await shell(
        `kill -INT $(cat ${file}.pid); echo T $(cat ${file}.begin) ${elapsed}; sleep 0.2; cat ${file}; rm -f ${file} ${file}.*`,
      );
      return readPings(stdout, intervalMs);
    },
  };
}

/** From the first line "T begin end" (seconds) and what busybox's ping printed. */
function readPings(text: string, intervalMs: number): PingResult {
  const [, begin = "0", end = "0"] = /^T (\S+) (\S+)/m.exec(text) ?? [];
  const elapsedMs = (Number(end) - Number(begin)) * 1000;
  const answered = new Set([...text.matchAll(/\bseq=(\d+)/g)].map(([, sequence]) => Number(sequence)));
  // It dies when its NIC goes away; what it would have sent counts as sent.
  const counted = /(\d+) packets transmitted/.exec(text)?.[1];
  let sent = counted === undefined ? Math.floor(elapsedMs / intervalMs) : Number(counted);
  sent = Math.max(sent, ...(answered.size === 0 ? [0] : [Math.max(...answered) + 1]));
  // The last one may have been under way when it was stopped.
  if (sent > 1 && !answered.has(sent - 1) && answered.has(sent - 2)) sent -= 1;
  const lostSequences = Array.from({ length: sent }, (_, sequence) => sequence).filter(
    (sequence) => !answered.has(sequence),
  );
  let longest = 0;
  let current = 0;
  for (let sequence = 0; sequence < sent; sequence++) {
    current = answered.has(sequence) ? 0 : current + 1;
    longest = Math.max(longest, current);
  }
  const realInterval = sent === 0 ? intervalMs : Math.max(intervalMs, elapsedMs / sent);
  return { sent, received: answered.size, lostSequences, maxGapMs: Math.round((longest + 1) * realInterval) };
}
