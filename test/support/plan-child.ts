/** Takes a change through a process of its own (`run-plan.ts`), which may be killed, stopped, or given a fault. */
import { type ChildRun, childRun } from "./child-run.js";
import type { Answer, Orders } from "./run-plan.js";

/** @param whenStopped runs while it is stopped (`stopBefore`); then it goes on. */
export const runPlan = (orders: Orders, fault?: string, whenStopped?: () => Promise<void>): Promise<ChildRun<Answer>> =>
  childRun<Answer>("run-plan.js", orders, fault, whenStopped);
