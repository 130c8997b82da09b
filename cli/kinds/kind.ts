/** What the commands ask of a kind of object; each kind is one file in this folder. */
import type { Failure, Inputs } from "../../provider/handler.js";
import type { PlanReport } from "./report.js";

export interface Imported {
  /** Name of the resource in the program. */
  resource: string;
  /** Arguments that adopt the object as it is. */
  args: Inputs;
  /** What the arguments do not say, for the user to know. */
  notes: string[];
}

export interface Kind {
  /** On the command line: `network`. */
  word: string;
  /** In JSON, and the class of the SDK: `Network`. */
  type: string;
  /** Its `name` is an argument, and says which object it is. */
  named: boolean;
  /** `part`: which of several that an object has; all where it is not said. */
  import(uri: string, name: string, part?: string): Promise<Imported[]>;
  /** Fills in defaults and finds faults; against the host where `args.uri` names one. */
  check(args: Inputs): Promise<{ inputs: Inputs; failures: Failure[] }>;
  /** libvirt's XML of checked arguments. */
  xml(args: Inputs): string;
  /** What would be done on the host `args.uri`. */
  plan(args: Inputs): Promise<PlanReport>;
  /** Remove the owner mark. @returns what was done, a sentence. */
  disown(uri: string, name: string, part?: string): Promise<string>;
}
