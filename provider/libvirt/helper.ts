/** A thread that reads definitions beside a connection's own (`abreast.ts`); it ends when there is none left to read. */
import { type MessagePort, workerData } from "node:worker_threads";
import { type Listed, takeAll } from "./abreast.js";
import { type ErrorData, LibvirtError } from "./errors.js";
import { Native } from "./native.js";
import { readListed } from "./operations/networks.js";

export interface HelperData {
  listed: Listed[];
  noInactiveFlag: boolean;
  progress: Int32Array<SharedArrayBuffer>;
  port: MessagePort;
}
export interface HelperAnswer {
  at: number;
  value?: unknown;
  error?: ErrorData;
  /** Calls made for it. */
  counts: Record<string, number>;
}

const { listed, noInactiveFlag, progress, port } = workerData as HelperData;
const noFaults = new Int32Array(new SharedArrayBuffer(4)); // only changing calls are counted for the fault hook

takeAll(progress, listed, (network, at) => {
  const native = new Native(noFaults);
  native.noInactiveFlag = noInactiveFlag;
  const answer: HelperAnswer = { at, counts: native.counts };
  try {
    answer.value = readListed(native, network);
  } catch (e) {
    const error = e instanceof LibvirtError ? e : LibvirtError.own("internal", (e as Error).stack ?? String(e));
    answer.error = error.toData();
  }
  port.postMessage(answer);
});
port.close();
