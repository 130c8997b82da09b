/** What is read of NetworkManager where its answers fail. */
import assert from "node:assert/strict";
import type { Channel } from "../../../provider/host/channel.js";
import { Bus } from "../../../provider/hostlink/backends/networkmanager/bus.js";
import { run } from "../../../sandbox/index.js";

const PATH = "/org/freedesktop/NetworkManager/Settings";
/** As busctl answers; profiles 1 and 2. */
const ANSWERS: Record<string, string> = {
  GetManagedObjects: `echo '{"type":"a{oa{sa{sv}}}","data":[{}]}'`,
  ListConnections: `echo 'ao 2 "${PATH}/1" "${PATH}/2"'`,
  GetSettings: `echo '{"type":"a{sa{sv}}","data":[{"connection":{"id":{"type":"s","data":"a"}}}]}'`,
};
const FAILS = "echo 'Call failed: no memory' >&2; return 1";

const read = (answers: Record<string, string>) => {
  const rows = [...Object.entries(answers), ...Object.entries(ANSWERS)].map(
    ([member, does]) => `*${member}*) ${does} ;;`,
  );
  const busctl = `calls=$(mktemp); busctl() { case "$*" in ${rows.join(" ")} esac; }`;
  const channel = {
    run: ([, , script]: string[]) => run(["sh", "-c", `${busctl}\n(${script}\n)\ncode=$?; rm "$calls"; exit $code`]),
  };
  return new Bus(channel as unknown as Channel).everything();
};

describe("what NetworkManager has", () => {
  it("is read with all profiles", async () => {
    assert.deepEqual([...(await read({})).settings.keys()], [`${PATH}/1`, `${PATH}/2`]);
  });

  for (const member of Object.keys(ANSWERS))
    it(`is not known where ${member} fails`, async () => {
      await assert.rejects(read({ [member]: FAILS }), /NetworkManager, reading devices and profiles: no memory/);
    });

  it("is read without a profile that goes meanwhile", async () => {
    const once = `echo x >> "$calls"; if [ "$(wc -l < "$calls")" = 1 ]; then ${ANSWERS.ListConnections}; else echo 'ao 1 "${PATH}/1"'; fi`;
    const found = await read({ ListConnections: once, [`${PATH}/2`]: FAILS });
    assert.deepEqual([...found.settings.keys()], [`${PATH}/1`]);
  });
});

/** As the host answers, by whatever stands before busctl. */
const present = (busctl: string) => {
  const channel = { run: (argv: string[]) => run(["sh", "-c", `busctl() { ${busctl}; }\n"$@"`, "sh", ...argv]) };
  return new Bus(channel as unknown as Channel).present();
};
const says = (text: string, code: number) => `echo '${text}' >&2; return ${code}`;

describe("whether NetworkManager runs", () => {
  it("is what the bus says", async () => {
    assert.equal(await present("echo b true"), "runs");
    assert.equal(await present("echo b false"), "does not run");
  });

  it("is known where there is no bus", async () => {
    const busctl = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere command busctl --system";
    assert.equal(await present(`${busctl} "$@"`), "does not run");
  });

  it("is not known without busctl, nor where sudo does not let us ask", async () => {
    assert.equal(await present("nosuch-busctl"), "not known without busctl");
    await assert.rejects(
      present(says("sudo: a password is required", 1)),
      /whether NetworkManager runs there cannot be told: sudo: a password is required/,
    );
    await assert.rejects(present(says("", 255)), /the host cannot be reached: no answer/);
  });
});
