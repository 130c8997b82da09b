// The same in plain JavaScript, as a CommonJS module. What the compiler cannot tell you here, the preview does: a field
// that the mode does not have, an address outside its subnet, and so on.
const virtnet = require("pulumi-virtnet");

const storage = new virtnet.Network("storage", {
  mode: "isolated",
  ips: [{ address: "10.20.0.1/24", dhcp: { ranges: [{ start: "10.20.0.100", end: "10.20.0.199" }] } }],
});

exports.uuid = storage.uuid;
