// docs/reference.md, docs/reference-vm-interface.md, docs/reference-host-links.md and docs/changes.md, from the code: types and their comments by TypeScript's compiler API, defaults
// from the schema, prices from the modes' price tables.
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "../setup.mjs";

const require = createRequire(import.meta.url);

export function generate() {
  const { modes, STATE_FIELDS, CONTROL_FIELDS } = require(join(root, "dist/provider/network/args.js"));
  const { priceOf } = require(join(root, "dist/provider/network/prices.js"));
  const types = readTypes({ room: "network", sdk: "network", type: "Network", ending: "Args" });
  const handled = [...STATE_FIELDS, ...CONTROL_FIELDS];
  const rows = Object.entries(modes).flatMap(([mode, { fields, prices }]) =>
    paths(fields, types.argsOf(mode), types).map((row) => ({ ...row, mode, price: priceOf(prices, row.path).impact })),
  );
  const args = types.argsOf("nat");
  const handling = handled.filter((name) => name !== "owner").map((name) => args.fields.get(name));
  return {
    "docs/reference.md": reference(rows, handling, types.outputs()),
    "docs/changes.md": changes(modes),
    "docs/reference-vm-interface.md": nicReference(),
    "docs/reference-host-links.md": linkReference(),
  };
}

function nicReference() {
  const { sources, PLACE_FIELDS, CONTROL_FIELDS } = require(join(root, "dist/provider/vminterface/args.js"));
  const { priceOf } = require(join(root, "dist/provider/network/prices.js"));
  const types = readTypes({ room: "vminterface", sdk: "vm-interface", type: "VmInterface", ending: "NicArgs" });
  const rows = Object.entries(sources).flatMap(([mode, { fields, prices }]) =>
    paths(fields, types.argsOf(mode), types).map((row) => ({ ...row, mode, price: priceOf(prices, row.path).impact })),
  );
  const args = types.argsOf("network");
  const handling = [...PLACE_FIELDS, ...CONTROL_FIELDS].filter((n) => n !== "owner").map((n) => args.fields.get(n));
  return nicPage(rows, handling, types.outputs(), sources);
}

function linkReference() {
  const { kinds, STATE_FIELDS, CONTROL_FIELDS } = require(join(root, "dist/provider/hostlink/args.js"));
  const { priceOf } = require(join(root, "dist/provider/network/prices.js"));
  const types = readTypes({ room: "hostlink", sdk: "link", type: "Link", ending: "Args" });
  const rows = Object.entries(kinds).flatMap(([mode, { fields, prices }]) =>
    paths(fields, types.argsOf(mode), types).map((row) => ({ ...row, mode, price: priceOf(prices, row.path).impact })),
  );
  const args = types.argsOf("bridge");
  const handling = [...CONTROL_FIELDS, ...STATE_FIELDS].filter((n) => n !== "owner").map((n) => args.fields.get(n));
  return linkPage(rows, handling, types.outputs(), kinds);
}

/** Every path below a schema node, with the comment and type of the TypeScript type beside it. */
function paths(node, typed, types, at = "") {
  if (node.kind === "list") return paths(node.item, types.itemOf(typed), types, `${at}[]`);
  if (node.kind === "scalar") return typed.record ? record(typed.record, at) : [];
  return Object.entries(node.fields).flatMap(([name, field]) => {
    const found = typed.fields.get(name);
    if (found === undefined) throw new Error(`The type has no field ${at}.${name}`);
    const path = at === "" ? name : `${at}.${name}`;
    const given =
      field.default !== undefined ? `\`${JSON.stringify(field.default)}\`` : field.generated ? "generated" : "";
    const type = typeOf(field, types.itemOf, found);
    const row = { path, doc: found.doc, type, required: field.required === true, given };
    return [row, ...paths(field, found, types, path)];
  });
}

function typeOf(node, itemOf, typed) {
  if (node.kind === "object" || typed.isRecord) return "object";
  if (node.kind === "list") {
    const item = typeOf(node.item, itemOf, itemOf(typed));
    return item === "object" ? "list of objects" : `${item}[]`;
  }
  // In the order of the schema; TypeScript's own order of a union may change with any edit elsewhere.
  return node.shape.options?.every((option) => typeof option === "string")
    ? node.shape.options.map((option) => JSON.stringify(option)).join(" | ")
    : typed.type;
}

/** The fields of a value that the schema takes as one: those of its interface. */
function record(typed, at, above = []) {
  return [...typed.fields].flatMap(([name, field]) => {
    const path = `${at}.${name}`;
    const row = { path, doc: field.doc, type: field.type, required: !field.optional, given: "" };
    return field.isRecord && !above.includes(field.type)
      ? [row, ...record(field, path, [...above, field.type])]
      : [row];
  });
}

// ---- TypeScript -------------------------------------------------------------------------------------------------------

/** @param ending what follows the kind in the name of its arguments' type. */
function readTypes({ room, sdk, type: className, ending }) {
  const ts = require("typescript");
  const config = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const files = [`provider/${room}/args.ts`, `sdk/${sdk}.ts`].map((file) => join(root, file));
  const program = ts.createProgram(files, { ...options, noEmit: true, incremental: false, tsBuildInfoFile: undefined });
  const checker = program.getTypeChecker();
  const exported = (file, name) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file));
    const symbol = checker.getExportsOfModule(module).find((candidate) => candidate.name === name);
    return checker.getDeclaredTypeOfSymbol(symbol);
  };
  const docOf = (symbol) =>
    ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/\s+/g, " ").trim();
  const print = (type) =>
    checker
      .typeToString(
        type,
        undefined,
        ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType,
      )
      .replaceAll("'", '"');
  const isRecord = (type) =>
    type.symbol?.declarations?.some(
      (d) => ts.isInterfaceDeclaration(d) && d.getSourceFile().fileName.startsWith(join(root, "provider")),
    ) === true;
  const describe = (raw) => {
    const type = checker.getNonNullableType(raw);
    const fields = new Map();
    return {
      raw: type,
      type: print(type),
      isRecord: isRecord(type),
      /** The record that it is, or may be beside words. */
      get record() {
        const found = (type.isUnion() ? type.types : [type]).find(isRecord);
        return found && describe(found);
      },
      get fields() {
        if (fields.size === 0)
          for (const symbol of checker.getPropertiesOfType(type)) fields.set(symbol.name, of(symbol));
        return fields;
      },
    };
  };
  const of = (symbol) => {
    const found = describe(checker.getTypeOfSymbol(symbol));
    // As it was written, where it was.
    const written = symbol.valueDeclaration?.type?.getText();
    const optional = (symbol.flags & ts.SymbolFlags.Optional) !== 0;
    return Object.assign(found, { name: symbol.name, doc: docOf(symbol), optional, written });
  };
  return {
    argsOf: (mode) => describe(exported(files[0], `${mode[0].toUpperCase()}${mode.slice(1)}${ending}`)),
    itemOf: (list) => describe(checker.getIndexTypeOfType(list.raw, ts.IndexKind.Number)),
    outputs: () =>
      checker
        .getPropertiesOfType(exported(files[1], className))
        .filter((symbol) => symbol.declarations?.some((d) => d.getSourceFile().fileName === files[1]))
        .map(of)
        .map(({ name, doc, written }) => ({ path: name, doc, type: written.replace(/^pulumi\.Output<(.*)>$/, "$1") })),
  };
}

// ---- Pages ------------------------------------------------------------------------------------------------------------

const GENERATED = "<!-- Made by `npm run docs` from the code: do not edit. -->";

/** Rows that are the same in several modes stand once, under all of them. */
const sectionsOf = (rows) =>
  groups(rows, ({ path, type, required, given, price, doc }) =>
    JSON.stringify([path, type, required, given, price, doc]),
  );

const handlingTable = (handling) =>
  table(
    ["argument", "type", "what it is"],
    handling.map(({ name, written, type, doc }) => [code(name), code(written ?? type), doc]),
  );

const argumentTable = (list) =>
  table(
    ["argument", "type", "default", "change", "what it is"],
    list.map(({ path, type, required, given, price, doc }) => [
      code(path),
      code(type),
      required ? "**required**" : given,
      price,
      doc,
    ]),
  );

const outputTable = (outputs) =>
  table(
    ["output", "type", "what it is"],
    outputs.map(({ path, type, doc }) => [code(path), code(type), doc]),
  );

function reference(rows, handling, outputs) {
  const sections = sectionsOf(rows);
  return page([
    "# Reference: Network",
    GENERATED,
    "`new virtnet.Network(name, args, options)`. Which arguments there are depends on `mode`; all but `mode` may be outputs. " +
      "What `[]` stands behind is a list. A field that is not set is libvirt's to decide, and is not compared. *Default* is what libvirt means when " +
      "the field is absent; *generated*: libvirt makes a value and keeps it. *Change* is what a change costs: [changes.md](changes.md).",
    "## How the resource is handled, in every mode",
    handlingTable(handling),
    ...sections.flatMap(([modes, list]) => [`## ${title(modes)}`, argumentTable(list)]),
    "## Outputs",
    outputTable(outputs),
    "`virtnet.Network.get(name, id, { uri })` reads the outputs of a network that is managed elsewhere; `id` is its UUID (`virsh net-uuid NAME`).",
  ]);
}

function nicPage(rows, handling, outputs, sources) {
  const sections = sectionsOf(rows);
  const prices = groups(
    Object.entries(sources).flatMap(([mode, source]) =>
      Object.entries(source.prices).map(([path, price]) => ({ mode, path, ...price })),
    ),
    ({ mode: _, ...row }) => JSON.stringify(row),
  );
  return page([
    "# Reference: VmInterface",
    GENERATED,
    "`new virtnet.VmInterface(name, args, options)`. Which arguments there are depends on what the NIC is plugged into: one of `network`, `bridge`, `direct`, `hostdev`, `user`; " +
      "all may be outputs. What `[]` stands behind is a list. A field that is not set is libvirt's to decide, and is not compared. *Default* is what libvirt means when " +
      "the field is absent; *generated*: a value is made and kept. How it behaves: [vm-interfaces.md](vm-interfaces.md).",
    "## Which VM, and how the resource is handled",
    handlingTable(handling),
    ...sections.flatMap(([kinds, list]) => [`## ${sourceTitle(kinds)}`, argumentTable(list)]),
    "## Outputs",
    outputTable(outputs),
    '`virtnet.VmInterface.get(name, "UUID/MAC", { uri })` reads the outputs of a NIC that is managed elsewhere: UUID of its VM and its MAC.',
    "## What a change costs",
    "Of a running VM; a stopped one has its definition changed, which costs nothing. The longest path that fits counts. `live`: libvirt changes the running NIC, read back afterwards. " +
      "`replug`: this one NIC is unplugged and plugged again, with the same MAC, alias and PCI address. `replace`: it is unplugged, and another one plugged. `none`: only the stored definition is changed. " +
      "Older daemons change less live: `trustGuestRxFilters` from 10.0 on, `virtualport` from 10.8 on, `vlan` on Open vSwitch, elsewhere from 11.0 on; before that they are `replug`. " +
      "A move is live between bridges (also of networks) only: from or to macvtap, a device or a process it is `replug`.",
    ...prices.flatMap(([kinds, list]) => [
      `### ${sourceTitle(kinds)}`,
      table(
        ["field", "impact", "why"],
        list.map(({ path, impact, why }) => [code(path), impact, why]),
      ),
    ]),
  ]);
}

function linkPage(rows, handling, outputs, kinds) {
  const prices = groups(
    Object.entries(kinds).flatMap(([mode, kind]) =>
      Object.entries(kind.prices).map(([path, price]) => ({ mode, path, ...price })),
    ),
    ({ mode: _, ...row }) => JSON.stringify(row),
  );
  return page([
    "# Reference: Bridge, Bond, Vlan",
    GENERATED,
    "`new virtnet.Bridge(name, args, options)`, and alike `Bond` and `Vlan`. All arguments may be outputs; where a device is asked for, a resource may stand in place of its name. " +
      "What `[]` stands behind is a list. A field that is not set is not compared. *Default* is what the kernel or NetworkManager means when the field is absent; *generated*: a value is made and kept. " +
      "How they behave: [host-links.md](host-links.md).",
    "## How the resource is handled",
    handlingTable(handling),
    ...sectionsOf(rows).flatMap(([names, list]) => [`## ${linkTitle(names)}`, argumentTable(list)]),
    "## Outputs",
    outputTable(outputs),
    "`virtnet.Bond.get(name, UUID, { name, uri })`, and alike of the others, reads the outputs of a link that is managed elsewhere: the UUID of its profile, and its device.",
    "## What a change costs",
    "`live`: NetworkManager changes the running device. `replace`: the link is deleted, which gives its ports back what they had, and made anew; refused while VMs or a bridge are on it. `none`: nothing that runs is touched.",
    ...prices.flatMap(([names, list]) => [
      `### ${linkTitle(names)}`,
      table(
        ["field", "impact", "why"],
        list.map(({ path, impact, why }) => [code(path), impact, why]),
      ),
    ]),
  ]);
}

const linkTitle = (kinds) =>
  kinds.length === 3 ? "All three" : kinds.map((kind) => `${kind[0].toUpperCase()}${kind.slice(1)}`).join(", ");

const sourceTitle = (kinds) => (kinds.length === 5 ? "Every source" : `Source ${kinds.map(code).join(", ")}`);

/** What is done, in a word for the tables, and in a sentence. */
const HOW = {
  none: ["redefine", "the stored definition is written; nothing that runs is touched"],
  live: ["virNetworkUpdate", "the running network and its definition are changed by virNetworkUpdate, and read back"],
  replug: [
    "redefine, replug",
    "each NIC gets a new port, one after the other: a tap moves in some ms, macvtap and virtual functions are unplugged and plugged",
  ],
  restart: [
    "redefine, restart",
    "the network is redefined and restarted; NICs of running VMs wait on another switch meanwhile, where they still reach each other, and come back",
  ],
  replace: [
    "delete, create",
    "the network is deleted and made anew; no field costs this, only one of which nothing is known",
  ],
};

function changes(modes) {
  const rows = Object.entries(modes).flatMap(([mode, { prices }]) =>
    Object.entries(prices).map(([path, price]) => ({ mode, path, ...price })),
  );
  const sections = groups(rows, ({ mode: _, ...row }) => JSON.stringify(row));
  return page([
    "# What a change costs",
    GENERATED,
    "One row a field; it covers everything below its path, and the longest path that fits counts. The preview prints the same, with the VMs " +
      "that are affected, before anything is touched: `network dev: mtu: restarts it in place (…); web: stay connected to each other and lose the gateway for about 0.5 s`.",
    table(
      ["impact", "what is done"],
      Object.entries(HOW).map(([impact, [, sentence]]) => [impact, sentence]),
    ),
    "`maxImpact` on a resource, or `virtnet:maxImpact` in the stack's configuration, refuses at preview what costs more: `live`, `replug` or `restart`. " +
      "A field of which nothing is known counts as `replace`. Beside the fields: `running: false` stops the network (impact `restart`), `autostart` costs nothing. " +
      "On daemons from 10.4 with nftables (or where that is not known), a live change of the sections `dns-host`, `dns-txt`, `dns-srv` and `portgroup` of a `nat`, `route` or `isolated` network would leave firewall rules behind, so it counts as `restart` there. " +
      "So does, on any daemon, a change of an entry that libvirt's call does not tell from another of its list: one of several TXT records of one name, an address that goes and shares a host name, or an SRV record beside one that says no more or no less.",
    ...sections.flatMap(([modes, list]) => [
      `## ${title(modes)}`,
      table(
        ["field", "impact", "how", "why"],
        list.map(({ path, impact, section, why }) => [
          code(path),
          impact,
          section ? `${HOW[impact][0]}, section ${code(section)}` : HOW[impact][0],
          why,
        ]),
      ),
    ]),
  ]);
}

/** Rows that several modes have alike stand once: [modes, rows], those of most modes first. */
function groups(rows, keyOf) {
  const alike = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (!alike.has(key)) alike.set(key, { row, modes: [] });
    alike.get(key).modes.push(row.mode);
  }
  const sections = new Map();
  for (const { row, modes } of alike.values())
    sections.set(String(modes), [...(sections.get(String(modes)) ?? []), row]);
  return [...sections].map(([modes, list]) => [modes.split(","), list]).sort(([a], [b]) => b.length - a.length);
}

const title = (modes) => (modes.length === 5 ? "Every mode" : modes.map(code).join(", "));
const code = (text) => `\`${text}\``;
const page = (blocks) => `${blocks.join("\n\n")}\n`;

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
