/** The package as users get it: packed by npm with all its scripts, and installed in a folder outside the repository. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { repository } from "./repository.js";

let dir: string | undefined;

/**
 * The folder's node_modules; there are Pulumi's SDK, TypeScript and Node's types beside the package. Made once a process, gone at its end.
 *
 * It is packed from a copy of the sources, for `prepack` builds: in the repository other tests run from what is built there.
 */
export function installedModules(): string {
  if (dir === undefined) {
    const made = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-installed-")));
    process.once("exit", () => fs.rmSync(made, { recursive: true, force: true }));
    install(made, pack(made));
    dir = made;
  }
  return path.join(dir, "node_modules");
}

/** What a clone does not have. */
const unpublished = ["node_modules", "dist", ".git"];

function pack(to: string): string {
  const copy = path.join(to, "sources");
  fs.cpSync(repository, copy, {
    recursive: true,
    filter: (source) => !unpublished.includes(path.relative(repository, source)),
  });
  fs.symlinkSync(path.join(repository, "node_modules"), path.join(copy, "node_modules"));
  npm(["pack", "--pack-destination", to], copy);
  fs.rmSync(copy, { recursive: true });
  const [tarball] = fs.readdirSync(to).filter((file) => file.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made no tarball");
  return `./${tarball}`;
}

function install(to: string, tarball: string): void {
  fs.writeFileSync(path.join(to, "package.json"), '{ "private": true }');
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(repository, "package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const others = ["@pulumi/pulumi", "typescript", "@types/node"].map((name) => `${name}@${devDependencies[name]}`);
  npm(["install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", tarball, ...others], to);
}

function npm(args: string[], cwd: string): void {
  const env = { ...process.env, npm_config_loglevel: "error", npm_config_update_notifier: "false" };
  execFileSync("npm", args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
}
