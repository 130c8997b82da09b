import assert from "node:assert/strict";
import * as path from "node:path";
import ts from "typescript";
import { repository } from "../support/repository.js";

const room = path.join(repository, "provider/libvirt");
const entry = path.join(room, "index.ts");
const program = ts.createProgram([entry], {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  types: ["node"],
  skipLibCheck: true,
  noEmit: true,
  typeRoots: [path.join(repository, "node_modules/@types")],
});
const checker = program.getTypeChecker();
const target = (symbol: ts.Symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
const exported = checker
  .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!)
  .map((symbol) => target(symbol));

describe("what pulumi-virtnet/libvirt exports", () => {
  it("has every type of this room that a public signature names", () => {
    const missing = new Set<string>();
    const walk = (node: ts.Node): void => {
      // Bodies, private members and initial values are nobody's signature.
      if (ts.isBlock(node) || ts.isPrivateIdentifier(node)) return;
      if (ts.isPropertyDeclaration(node) && ts.isPrivateIdentifier(node.name)) return;
      const name = ts.isTypeReferenceNode(node)
        ? node.typeName
        : ts.isExpressionWithTypeArguments(node)
          ? node.expression
          : undefined;
      const symbol = name && checker.getSymbolAtLocation(name);
      if (symbol) {
        const named = target(symbol);
        const own = named.declarations?.some(
          (d) => d.getSourceFile().fileName.startsWith(room) && !ts.isTypeParameterDeclaration(d),
        );
        if (own && !exported.includes(named)) missing.add(named.name);
      }
      ts.forEachChild(node, walk);
    };
    for (const symbol of exported) for (const declaration of symbol.declarations ?? []) walk(declaration);
    assert.ok(exported.length > 20, `${exported.length} exports`);
    assert.deepEqual([...missing], []);
  });

  it("has a docstring on every function, type and method", () => {
    const bare: string[] = [];
    const documented = (symbol: ts.Symbol) => symbol.getDocumentationComment(checker).length > 0;
    for (const symbol of exported) {
      if (!documented(symbol)) bare.push(symbol.name);
      for (const member of symbol.members?.values() ?? [])
        if (member.flags & ts.SymbolFlags.Method && !documented(member)) bare.push(`${symbol.name}.${member.name}`);
    }
    assert.deepEqual(bare, []);
  });
});
