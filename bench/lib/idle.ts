/** A provider of the same thin form as ours that does nothing: what the engine takes by itself. */
type Props = Record<string, unknown>;

const computed = (inputs: Props): Props => ({
  uuid: "00000000-0000-4000-8000-000000000000",
  bridgeName: String(inputs.name).slice(0, 15),
  macAddress: "52:54:00:00:00:00",
  active: true,
  adopted: false,
  hostUuid: "00000000-0000-4000-8000-000000000001",
  hostName: "idle",
  upstreamRoutes: [],
  __virtnetState: 1,
});

function inputsOf(outs: Props): Props {
  const own = new Set(Object.keys(computed(outs)));
  return Object.fromEntries(Object.entries(outs).filter(([key]) => !own.has(key)));
}

/** In place of a NIC, with as much in its state. */
const computedNic = (inputs: Props): Props => ({
  alias: `ua-virtnet__bench__bench__${String(inputs.domain)}`,
  targetDevice: "vnet0",
  domainUuid: "00000000-0000-4000-8000-000000000000",
  domainName: String(inputs.domain),
  generated: ["alias", "targetDevice"],
  active: true,
  addresses: [],
  adopted: false,
  hostUuid: "00000000-0000-4000-8000-000000000001",
  hostName: "idle",
  __virtnetState: 1,
});
const state = { linkState: "up", plugged: true, connected: true };

export const idleNic = {
  check: async (_olds: Props, news: Props) => ({
    inputs: { ...state, mac: "52:54:00:00:00:00", ...news },
    failures: [],
  }),
  diff: async () => ({ changes: false, replaces: [], deleteBeforeReplace: true }),
  create: async (inputs: Props) => ({ id: String(inputs.name), outs: { ...inputs, ...computedNic(inputs) } }),
  read: async (id: string, olds: Props) => ({ id, props: olds, inputs: olds }),
  delete: async () => undefined,
};

export const idle = {
  check: async (_olds: Props, news: Props) => ({ inputs: { running: true, autostart: true, ...news }, failures: [] }),
  diff: async (_id: string, olds: Props, news: Props) => ({
    changes: JSON.stringify(olds.ips) !== JSON.stringify(news.ips),
    replaces: [],
    deleteBeforeReplace: true,
  }),
  create: async (inputs: Props) => ({ id: String(inputs.name), outs: { ...inputs, ...computed(inputs) } }),
  read: async (id: string, olds: Props) => ({ id, props: olds, inputs: inputsOf(olds) }),
  update: async (_id: string, _olds: Props, news: Props) => ({ outs: { ...news, ...computed(news) } }),
  delete: async () => undefined,
};
