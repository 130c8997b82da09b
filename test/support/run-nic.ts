/**
 * A process of its own that drives one operation of the VmInterface handler (or, where it is asked to, the Network's), as the engine does, and dies or fails where
 * VIRTNET_FAULT says. Its orders are its first argument, JSON; its answer is one line of JSON.
 */
import { type Handler, type Inputs, PartialFailure } from "../../provider/handler.js";
import { hostAt } from "../../provider/host/hosts.js";
import { changing, type FunctionName } from "../../provider/libvirt/functions.js";
import { networkHandler } from "../../provider/network/handler.js";
import { vmInterfaceHandler } from "../../provider/vminterface/handler.js";

export interface NicState {
  id: string;
  outs: Inputs;
}

export interface NicOrders {
  /** Default: a VM's NIC. */
  of?: "network";
  /** What there shall be; absent: the NIC is deleted. */
  desired?: Inputs;
  /** What the engine has in its state. */
  state?: NicState;
  /** The engine asks first what is there, as `pulumi up --refresh` does. */
  refresh?: boolean;
  uri: string;
}

export interface NicAnswer {
  /** What the engine has in its state then. */
  state?: NicState;
  error?: string;
  /** Changing calls to libvirt. */
  calls: number;
}

const ctx = { log: () => undefined };
/** libvirt itself waits five seconds for a guest that is to release a NIC. */
const DEADLINE_MS = 9000;

async function main({ of, uri, desired, state, refresh = false }: NicOrders): Promise<NicAnswer> {
  const host = hostAt(uri, { deadlineMs: DEADLINE_MS });
  const answer: NicAnswer = { calls: 0 };
  try {
    const handler = of === "network" ? networkHandler : vmInterfaceHandler;
    const next = await operate(
      handler,
      desired,
      refresh && state ? await handler.read(ctx, state.id, state.outs) : state,
    );
    if (next) answer.state = next;
  } catch (e) {
    answer.error = e instanceof Error ? e.message : String(e);
    if (e instanceof PartialFailure) answer.state = { id: e.id, outs: e.state };
    else if (state) answer.state = state;
  }
  for (const [name, count] of Object.entries(await host.pool.callCounts()))
    if (changing.has(name as FunctionName)) answer.calls += count;
  return answer;
}

async function operate(
  handler: Handler,
  desired: Inputs | undefined,
  state: NicState | undefined,
): Promise<NicState | undefined> {
  if (desired === undefined) {
    if (state) await handler.delete(ctx, state.id, state.outs);
    return undefined;
  }
  const { inputs, failures } = await handler.check(ctx, state?.outs ?? {}, desired);
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  if (!state) return await handler.create(ctx, inputs);
  const { changes } = await handler.diff(ctx, state.id, state.outs, inputs);
  if (!changes) return state;
  return { id: state.id, outs: (await handler.update(ctx, state.id, state.outs, inputs)).outs };
}

void main(JSON.parse(process.argv[2] as string) as NicOrders).then((answer) => {
  console.log(JSON.stringify(answer));
  process.exit(0); // a call that hangs keeps its thread
});
