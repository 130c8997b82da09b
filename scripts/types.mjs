// Writes sdk/…-args.ts: the arguments of each resource as plain interfaces with their descriptions, from the provider's
// schema. The compiler's own declarations lose the descriptions (comments of one file are not copied into another's), and
// would make every program load the provider's types, valibot's among them. test/unit/sdk/types.test.ts says when it is stale.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
/** File in sdk/ → the room of the provider, and types of its args.ts. */
const targets = {
  "network-args.ts": ["network", ["NatArgs", "RouteArgs", "OpenArgs", "IsolatedArgs", "BridgeArgs"]],
  "vm-interface-args.ts": [
    "vminterface",
    ["NetworkNicArgs", "BridgeNicArgs", "DirectNicArgs", "HostdevNicArgs", "UserNicArgs"],
  ],
  "link-args.ts": ["hostlink", ["BridgeArgs", "BondArgs", "VlanArgs"]],
};
/** Fields that no program sets. */
const hidden = new Set(["owner"]);
const pascal = (name) => name[0].toUpperCase() + name.slice(1);
const singular = (name) => name.replace(/sses$/, "ss").replace(/(?<!s)s$/, "");

/** @returns file in sdk/ → its text. */
export function generate() {
  return Object.fromEntries(Object.entries(targets).map(([file, [room, roots]]) => [file, textOf(room, roots)]));
}

function textOf(room, roots) {
  const source = join(root, "provider", room, "args.ts");
  const config = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [source] }, ts.sys, root);
  const program = ts.createProgram([source], {
    ...options,
    noEmit: true,
    incremental: false,
    tsBuildInfoFile: undefined,
  });
  const checker = program.getTypeChecker();
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(source)));
  /** Name → body; two objects with one body share the name. */
  const interfaces = new Map();
  const recursive = new Map();

  const comment = (symbol, indent) => {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
    if (text === "") return "";
    const lines = text.split("\n");
    return lines.length === 1
      ? `${indent}/** ${text} */\n`
      : `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
  };

  const nameFor = (wanted, parent, body) => {
    for (let name = wanted, i = 2; ; name = i === 2 && parent ? `${parent}${wanted}` : `${wanted}${i}`, i++) {
      if (interfaces.get(name) === body) return name;
      if (!interfaces.has(name)) {
        interfaces.set(name, body);
        return name;
      }
    }
  };

  const bodyOf = (type, name) =>
    checker
      .getPropertiesOfType(type)
      .filter((p) => !hidden.has(p.name))
      .map((p) => {
        const optional = p.flags & ts.SymbolFlags.Optional ? "?" : "";
        const text = print(checker.getNonNullableType(checker.getTypeOfSymbol(p)), pascal(p.name), name);
        const line = `  ${p.name}${optional}: ${text};`;
        // As the formatter breaks it.
        const broken = `  ${p.name}${optional}:\n${text
          .split(" | ")
          .map((part) => `    | ${part}`)
          .join("\n")};`;
        return `${comment(p, "  ")}${line.length > 120 ? broken : line}\n`;
      })
      .join("");

  const print = (type, wanted, parent) => {
    if (type.isUnion()) {
      const parts = type.types.map((t) => print(t, wanted, parent));
      const joined =
        parts.includes("true") && parts.includes("false")
          ? ["boolean", ...parts.filter((p) => p !== "true" && p !== "false")]
          : parts;
      return joined.join(" | ");
    }
    if (checker.isArrayType(type)) {
      const item = print(checker.getTypeArguments(type)[0], singular(wanted), parent);
      return item.includes(" ") ? `(${item})[]` : `${item}[]`;
    }
    const isObject = type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection);
    if (!isObject || checker.getPropertiesOfType(type).length === 0) return checker.typeToString(type);
    const declared = type.symbol?.flags & ts.SymbolFlags.Interface ? type.symbol.name : undefined;
    if (declared === undefined) return nameFor(wanted, parent, bodyOf(type, wanted));
    if (!recursive.has(type)) {
      recursive.set(type, declared);
      interfaces.set(declared, bodyOf(type, declared));
    }
    return declared;
  };

  const top = roots.map((name) => {
    const type = checker.getDeclaredTypeOfSymbol(exported.find((s) => s.name === name));
    return `export interface ${name} {\n${bodyOf(type, name.replace(/Args$/, ""))}}\n`;
  });
  const nested = [...interfaces].map(([name, body]) => `export interface ${name} {\n${body}}\n`);
  return `// Generated from provider/${room} by scripts/types.mjs; do not edit.\n\n${[...nested, ...top].join("\n")}`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [file, text] of Object.entries(generate())) {
    const target = join(root, "sdk", file);
    if (readFileSync(target, { encoding: "utf8", flag: "a+" }) !== text) writeFileSync(target, text);
  }
}
