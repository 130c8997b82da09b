/**
 * The owner mark of a NIC: its alias. libvirt keeps an alias that begins with `ua-` for as long as the device lives
 * (virDomainDeviceAliasIsUserAlias, conf/domain_conf.c), and drops one in silence that has other characters than letters,
 * digits, `_` and `-`. So whatever else stands in a name is written as `_` and two hexadecimal digits a byte of UTF-8.
 *
 * @example "ua-virtnet__shop__prod__web-eth1", adopted: "ua-virtnet__shop__prod__web-eth1__adopted"
 */
import type { Mark } from "./ownership.js";

const PREFIX = "ua-virtnet";
const SEPARATOR = "__";
const ADOPTED = "adopted";

export function encodeMark({ project, stack, key, adopted }: Mark): string {
  return [PREFIX, ...[project, stack, key].map(escaped), ...(adopted ? [ADOPTED] : [])].join(SEPARATOR);
}

/** undefined: the alias is none of ours. */
export function decodeMark(alias: string | undefined): Mark | undefined {
  const [prefix, project, stack, key, adopted] = alias?.split(SEPARATOR) ?? [];
  if (prefix !== PREFIX || project === undefined || stack === undefined || key === undefined) return undefined;
  return { project: unescaped(project), stack: unescaped(stack), key: unescaped(key), adopted: adopted === ADOPTED };
}

/** Whether the alias is another program's or the user's own: it is left alone. */
export const isForeignAlias = (alias: string | undefined): boolean =>
  alias?.startsWith("ua-") === true && decodeMark(alias) === undefined;

const escaped = (s: string): string =>
  [...Buffer.from(s, "utf8")]
    .map((b) =>
      /[a-zA-Z0-9-]/.test(String.fromCharCode(b)) ? String.fromCharCode(b) : `_${b.toString(16).padStart(2, "0")}`,
    )
    .join("");

function unescaped(s: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < s.length; i++) {
    if (s[i] !== "_") bytes.push(s.charCodeAt(i));
    else {
      bytes.push(Number.parseInt(s.slice(i + 1, i + 3), 16));
      i += 2;
    }
  }
  return Buffer.from(bytes).toString("utf8");
}
