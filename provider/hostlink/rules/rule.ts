/** A rule across fields: pure, judges what is known, and says what to do. */
import type { Failure, Inputs } from "../../handler.js";
import type { LinkFact } from "../facts.js";

/** What rules may know beside the resource itself. All of it optional: what is not known is judged later. */
export interface Surroundings {
  /** The host's links by name. */
  links?: ReadonlyMap<string, LinkFact>;
  /** Devices by which the host is managed. */
  management?: readonly string[];
  /** The same, with what they are made of. */
  carriers?: readonly string[];
  /** What manages the host's links, as `backend` says it. */
  manager?: string;
  /** Links of this program, by name: their kind and arguments. */
  program?: ReadonlyMap<string, { kind: string; args: Inputs }>;
  /** Names that links of this program had until now. */
  former?: ReadonlySet<string>;
}

/** The fields as the user wrote them; what is unknown or has a fault of shape is left out. */
export interface Subject {
  args: Inputs;
  isSet(path: string): boolean;
}

export interface Rule {
  /** A sentence: what must hold. */
  says: string;
  check(subject: Subject, around: Surroundings): Failure[];
}

/** A failure, or none. */
export const fault = (property: string, reason: string): Failure[] => [{ property, reason }];
