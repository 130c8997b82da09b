/** All kinds. A new one is a new file and a row here. */
import { Argument } from "commander";
import type { Kind } from "./kind.js";
import { bond, bridge, vlan } from "./link.js";
import { network } from "./network.js";
import { vmInterface } from "./vm-interface.js";

export type { Kind };
export const kinds: readonly Kind[] = [network, vmInterface, bridge, bond, vlan];

export const kindOfType = (type: unknown): Kind | undefined => kinds.find((k) => k.type === type);

/** The argument `<kind>` of a command: parsed, a {@link Kind}. */
export function kindArgument(): Argument {
  const words = kinds.map((k) => k.word);
  return new Argument("<kind>", `which kind of object: ${words.join(", ")}`).choices(words);
}

export const kindOfWord = (word: string): Kind => kinds.find((k) => k.word === word) as Kind;
