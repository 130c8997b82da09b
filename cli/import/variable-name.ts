/** A variable for an object of any name. Pure. */

// Reserved words of a module (ECMA-262, 12.7.2), what TypeScript or CommonJS takes at its top, and our own import.
const TAKEN = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for " +
    "function if implements import in instanceof interface let new null package private protected public return static super switch " +
    "this throw true try typeof undefined var void while with yield exports module require virtnet"
  ).split(" "),
);

/** `lab-net.2` → `labNet2`; where that cannot be a variable, with the type: `default` → `defaultNetwork`. */
export function variableName(name: string, type: string): string {
  const words = name
    .normalize("NFC")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((w) => w !== "");
  const joined = words.map((w, i) => (i === 0 ? lower(w) : upper(w))).join("");
  if (joined === "") return lower(type);
  if (!/^\p{ID_Start}\p{ID_Continue}*$/u.test(joined))
    return `${lower(type)}${upper(joined).replace(/[^\p{ID_Continue}]/gu, "")}`;
  return TAKEN.has(joined) ? `${joined}${type}` : joined;
}

const lower = (w: string): string => w.charAt(0).toLowerCase() + w.slice(1);
const upper = (w: string): string => w.charAt(0).toUpperCase() + w.slice(1);
