/** Objects as JSON: `{"kind": "Network", "name": "dev", "mode": "nat", …}`, or an array of such. */
import { readFileSync } from "node:fs";
import { type Failure, type Inputs, VirtnetError } from "../provider/handler.js";
import { Faults } from "./errors.js";
import { type Kind, kindOfType, kinds } from "./kinds/index.js";

export interface Given {
  kind: Kind;
  args: Inputs;
  /** Where it stands, to prefix a path: `` for a single object, `[1].` in an array. */
  at: string;
}

export interface Input {
  /** `net.json`, or `stdin`. */
  source: string;
  objects: Given[];
  /** An array was given: an array is the answer. */
  many: boolean;
}

/** @throws Faults with every object that is not one. */
export function readInput(file: string): Input {
  const source = file === "-" ? "stdin" : file;
  const json = parse(load(file, source), source);
  const many = Array.isArray(json);
  const faults: string[] = [];
  const objects = (many ? json : [json]).flatMap((value, i): Given[] => {
    const at = many ? `[${i}]` : "";
    const found = objectOf(value);
    if (typeof found !== "string") return [{ ...found, at: many ? `${at}.` : "" }];
    faults.push(`${source}: ${at === "" ? "" : `${at}: `}${found}`);
    return [];
  });
  if (faults.length > 0) throw new Faults(faults);
  return { source, objects, many };
}

/** Check each, in order; all faults of all objects at once. @returns the objects as check let them through. */
export async function checkAll(
  input: Input,
  check: (g: Given) => Promise<{ inputs: Inputs; failures: Failure[] }>,
): Promise<Given[]> {
  const faults: string[] = [];
  const checked: Given[] = [];
  for (const given of input.objects) {
    const { inputs, failures } = await check(given);
    const name =
      given.kind.named && given.args.name === undefined
        ? [{ property: "name", reason: "is missing: the name on the host" }]
        : [];
    for (const f of [...name, ...failures]) faults.push(`${input.source}: ${given.at}${f.property}: ${f.reason}`);
    checked.push({ ...given, args: inputs });
  }
  if (faults.length > 0) throw new Faults(faults);
  return checked;
}

function load(file: string, source: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (e) {
    throw new VirtnetError(`${source} cannot be read: ${(e as Error).message}`);
  }
}

function parse(text: string, source: string): unknown {
  try {
    // Null stands for not set, as in a program.
    return JSON.parse(text, function (this: unknown, _, value) {
      return value === null && !Array.isArray(this) ? undefined : value;
    });
  } catch (e) {
    throw new VirtnetError(`${source} is no JSON: ${(e as Error).message}`);
  }
}

function objectOf(value: unknown): { kind: Kind; args: Inputs } | string {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return 'is no object: write {"kind": "Network", …}';
  const { kind: type, ...args } = value as Inputs;
  const kind = kindOfType(type);
  if (kind) return { kind, args };
  const known = kinds.map((k) => `"${k.type}"`).join(", ");
  return `kind: ${type === undefined ? "is missing" : `${JSON.stringify(type)} is no kind`}: use ${known}`;
}
