/**
 * D-Bus values as busctl prints them (`--json=short`) and as it takes them (a signature, then words): systemd's busctl.c,
 * json_transform_message and message_append_cmdline.
 */

/** A variant: `{"type": "s", "data": "eth1"}`. */
export interface Variant {
  type: string;
  data: unknown;
}

export const v = (type: string, data: unknown): Variant => ({ type, data });

/** The first complete type of a signature: `a{sv}` of `a{sv}u`. */
function firstType(signature: string): string {
  const c = signature[0];
  if (c === "a") return `a${firstType(signature.slice(1))}`;
  if (c !== "(" && c !== "{") return c ?? "";
  let depth = 0;
  for (let i = 0; i < signature.length; i++) {
    if ("({".includes(signature[i] as string)) depth++;
    if (")}".includes(signature[i] as string) && --depth === 0) return signature.slice(0, i + 1);
  }
  throw new Error(`signature ${JSON.stringify(signature)} does not end`);
}

function types(signature: string): string[] {
  const out: string[] = [];
  for (let rest = signature; rest !== ""; ) {
    const first = firstType(rest);
    out.push(first);
    rest = rest.slice(first.length);
  }
  return out;
}

/** Words for busctl. */
export function words(signature: string, values: readonly unknown[]): string[] {
  return types(signature).flatMap((type, i) => wordsOf(type, values[i]));
}

function wordsOf(type: string, value: unknown): string[] {
  if (type === "v") {
    const { type: inner, data } = value as Variant;
    return [inner, ...wordsOf(inner, data)];
  }
  if (type.startsWith("a{")) {
    const [key = "", of = ""] = types(type.slice(2, -1));
    const entries = Object.entries(value as Record<string, unknown>);
    return [String(entries.length), ...entries.flatMap(([k, item]) => [...wordsOf(key, k), ...wordsOf(of, item)])];
  }
  if (type.startsWith("a")) {
    const items = value as unknown[];
    return [String(items.length), ...items.flatMap((item) => wordsOf(type.slice(1), item))];
  }
  if (type.startsWith("(")) return types(type.slice(1, -1)).flatMap((of, i) => wordsOf(of, (value as unknown[])[i]));
  return [String(value)];
}
