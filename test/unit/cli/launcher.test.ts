import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { repository } from "../../support/repository.js";
import { virtnet } from "../../support/virtnet.js";

describe("bin/virtnet", () => {
  let dir: string;
  let launcher: string;
  const write = (file: string, text: string, mode = 0o644) => {
    fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    fs.writeFileSync(path.join(dir, file), text, { mode });
  };
  /** Node that says it is 20.0.0. */
  const old = () => [process.execPath, "-r", path.join(dir, "old.cjs"), launcher];

  beforeEach(() => {
    dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "virtnet-bin-")));
    write("bin/virtnet", fs.readFileSync(path.join(repository, "bin/virtnet"), "utf8"), 0o755);
    write("old.cjs", 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.0.0" } });');
    launcher = path.join(dir, "bin/virtnet");
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  it("says how to build what is not built", async () => {
    const { stdout, stderr, code } = await virtnet([], { command: [process.execPath, launcher] });
    assert.deepEqual([stdout, code], ["", 1]);
    assert.equal(stderr, `virtnet: it is not built: run "npm run setup" in ${dir}\n`);
  });

  it("works through a symbolic link, as npm installs it", async () => {
    write("dist/cli/main.js", "console.log(process.argv.slice(2).join());");
    fs.symlinkSync("../bin/virtnet", path.join(dir, "bin/link"));
    const { stdout, code } = await virtnet(["a", "b"], { command: [process.execPath, path.join(dir, "bin/link")] });
    assert.deepEqual([stdout, code], ["a,b\n", 0]);
  });

  it("restarts with the checkout's node where its own is too old, and passes arguments, stdin and exit code on", async () => {
    write(
      "dist/cli/main.js",
      "process.stdin.pipe(process.stdout); console.log(process.argv.slice(2).join()); process.exitCode = 7;",
    );
    write("node_modules/.bin/node", `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, 0o755);
    const { stdout, stderr, code } = await virtnet(["a b", "--c"], { command: old(), input: "in" });
    assert.deepEqual([stdout, stderr, code], ["a b,--c\nin", "", 7]);
  });

  it("passes a signal's end on as a shell does", async () => {
    write("dist/cli/main.js", 'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 10_000);');
    write("node_modules/.bin/node", `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, 0o755);
    assert.equal((await virtnet([], { command: old() })).code, 128 + 15);
  });

  it("says what to install where there is no other node", async () => {
    write("dist/cli/main.js", "");
    const { stderr, code } = await virtnet([], { command: old() });
    assert.equal(code, 1);
    assert.match(stderr, /^virtnet: this is Node 20\.0\.0: install Node 22\.12 or newer[^\n]*\n$/);
  });

  it("does not restart itself for ever", async () => {
    write("dist/cli/main.js", "");
    fs.mkdirSync(path.join(dir, "node_modules/.bin"), { recursive: true });
    fs.symlinkSync(process.execPath, path.join(dir, "node_modules/.bin/node"));
    assert.match((await virtnet([], { command: old() })).stderr, /this is Node 20\.0\.0/);
  });

  it("does not restart for ever where the checkout's node is too old as well", async () => {
    write("dist/cli/main.js", "");
    write("node_modules/.bin/node", `#!/bin/sh\nexec '${process.execPath}' -r '${dir}/old.cjs' "$@"\n`, 0o755);
    const { stderr, code } = await virtnet([], { command: old() });
    assert.deepEqual([/this is Node 20\.0\.0/.test(stderr), code], [true, 1]);
  });
});
