import assert from "node:assert/strict";
import { overSsh, sshTarget } from "../../../provider/host/ssh.js";

const target = (uri: string) => {
  const found = sshTarget(uri);
  assert.ok(found);
  return found;
};

describe("a host behind ssh", () => {
  it("is reached as its URI says: user, port, key, known hosts, another program", () => {
    const uri =
      "qemu+ssh://ad%40min@[2001:db8::1]:2222/system?keyfile=/k/id%20a&known_hosts=/k/known%20hosts&command=/opt/ssh";
    assert.deepEqual(target(uri), {
      program: "/opt/ssh",
      host: "2001:db8::1",
      options: ["-p", "2222", "-l", "ad@min", "-i", "/k/id a", "-o", 'UserKnownHostsFile="/k/known hosts"'],
    });
    assert.deepEqual(target("qemu+ssh://host1/system"), { program: "ssh", host: "host1", options: [] });
    assert.deepEqual(target("qemu+ssh://h/system?no_verify=1").options, ["-o", "StrictHostKeyChecking=no"]);
  });

  it("is not a host of another transport", () => {
    assert.equal(sshTarget("qemu+tls://host/system"), undefined);
    assert.equal(sshTarget("qemu:///system"), undefined);
  });

  it("cannot be an option of ssh, nor can a command", () => {
    const { argv, input } = overSsh(target("qemu+ssh://-oProxyCommand=x/system"), ["echo", "$(id)"]);
    assert.deepEqual(argv.slice(argv.indexOf("--")), ["--", "-oProxyCommand=x", "sh"]);
    assert.ok(!argv.includes("$(id)") && input.includes("'$(id)'"));
  });

  it("is asked over one shared connection, or over a new one", () => {
    const host = target("qemu+ssh://host1/system");
    const shared = overSsh(host, ["true"]).argv;
    assert.ok(shared.includes("ControlMaster=auto"), shared.join(" "));
    const anew = overSsh(host, ["true"], { anew: true }).argv;
    assert.ok(anew.includes("ControlMaster=no") && anew.includes("ControlPath=none"), anew.join(" "));
    for (const argv of [shared, anew]) assert.ok(argv.includes("BatchMode=yes"));
  });

  it("has one shared connection for each way to it", () => {
    const path = (uri: string) => overSsh(target(uri), ["true"]).argv.find((a) => a.startsWith("ControlPath="));
    assert.equal(path("qemu+ssh://host1/system"), path("qemu+ssh://host1/system"));
    assert.notEqual(path("qemu+ssh://host1/system"), path("qemu+ssh://root@host1/system"));
  });
});
