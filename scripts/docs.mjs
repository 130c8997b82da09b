// The documentation: writes the pages that are made from the code, and checks that every link to a file of this
// repository, and to a heading in it, leads somewhere.
//
//   node scripts/docs.mjs           write, then check the links
//   node scripts/docs.mjs --check   write nothing; fail when a page is not as the code says
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { generate } from "./docs/reference.mjs";
import { ensureAll, filesBelow, root } from "./setup.mjs";

const onlyCheck = process.argv.includes("--check");
const faults = [];
await ensureAll({ system: false, pulumi: false });
for (const [name, text] of Object.entries(generate())) {
  const path = join(root, name);
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  if (onlyCheck) faults.push(`${name} is not as the code says: npm run docs`);
  else {
    writeFileSync(path, text);
    console.log(`${name} written.`);
  }
}

const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
  .map((name) => join(root, name))
  .filter((path) => existsSync(path));
for (const folder of ["docs", "examples", "sandbox"]) pages.push(...filesBelow(join(root, folder), ".md"));

const withoutCode = (text) => text.replace(/^(```|~~~).*?^\1/gms, "").replace(/`[^`\n]*`/g, "");
/** The anchor GitHub gives a heading. */
const anchor = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

const headings = (path) =>
  readFileSync(path, "utf8")
    .replace(/^(```|~~~).*?^\1/gms, "")
    .split("\n")
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) => anchor(line.replace(/^#+ /, "")));

for (const page of pages) {
  const links = [...withoutCode(readFileSync(page, "utf8")).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map(
    (match) => match[1],
  );
  for (const link of links.filter((link) => !/^[a-z]+:/i.test(link))) {
    const [path, fragment] = decodeURI(link).split("#");
    const target = path ? resolve(dirname(page), path) : page;
    if (!existsSync(target)) faults.push(`${relative(root, page)}: ${link} does not exist`);
    else if (fragment && statSync(target).isFile() && target.endsWith(".md") && !headings(target).includes(fragment)) {
      faults.push(`${relative(root, page)}: ${link}: no such heading`);
    }
  }
}
for (const fault of faults) console.log(fault);
console.log(`${pages.length} pages, ${faults.length} ${faults.length === 1 ? "fault" : "faults"}.`);
process.exitCode = faults.length > 0 ? 1 : 0;
