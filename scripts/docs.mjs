// Checks the documentation: every link to a file of this repository, and to a heading in it, leads somewhere.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { filesBelow, root } from "./setup.mjs";

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

const faults = [];
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
console.log(`${pages.length} pages, ${faults.length} dead links.`);
process.exitCode = faults.length > 0 ? 1 : 0;
