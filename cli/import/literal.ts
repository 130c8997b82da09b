/** Plain data as a TypeScript literal, laid out like a formatter does. Pure. */
const WIDTH = 100;

/** `whole`: one field a line even where all would fit in one. */
export function literal(value: unknown, { whole = false } = {}, indent = "", used = 0): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const flat = inOneLine(value);
  if (!whole && indent.length + used + flat.length <= WIDTH) return flat;
  const deeper = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((v) => literal(v, {}, deeper))
    : Object.entries(value).map(([k, v]) => `${key(k)}: ${literal(v, {}, deeper, key(k).length + 3)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${lines.map((l) => `${deeper}${l},\n`).join("")}${indent}${close}`;
}

function inOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inOneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([k, v]) => `${key(k)}: ${inOneLine(v)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

/** A plain `__proto__:` would set the prototype. */
function key(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : JSON.stringify(name);
}
