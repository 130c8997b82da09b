// Which part of the house may use which. Arrows go one way: sdk → entry → handlers → plan (pure) → model and XML;
// apply → libvirt and host. `npm run check` fails on a breach, on a cycle, and when no module was looked at.

const types = { dependencyTypesNot: ["type-only"] };
const pureNetwork =
  "^provider/(ownership|nic-mark|schema|network/(modes|parts|rules|abilities|args|check|differences|document|firewall/(iptables|nftables|subject)|intact|journal|live|nics|plan|prices|restart|say|shape|steps)|" +
  "vminterface/(sources|parts|rules|abilities|args|check|differences|document|plan|prices|say|source|state|steps|vm)|" +
  "hostlink/(kinds|rules|addressing|args|check|fields|plan|say|state|steps|verify))(/|\\.ts$)";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment: "Two files that need each other are one file, or lack a third.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: types },
    },
    {
      name: "resolvable",
      comment: "An import that leads nowhere is not checked by any other rule.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "declared-dependencies",
      comment:
        "What is shipped uses only what package.json declares for users (the SDK's @pulumi/pulumi is the user's).",
      severity: "error",
      from: { path: "^(provider|cli|sandbox)/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "provider-without-pulumi",
      comment:
        "The provider process loads no Pulumi SDK: it would cost start-up time and tie the state to its version.",
      severity: "error",
      from: { path: "^provider/" },
      to: { path: "^(node_modules/)?@pulumi/" },
    },
    {
      name: "koffi-in-one-room",
      comment: "Native calls are made in provider/libvirt and nowhere else.",
      severity: "error",
      from: { pathNot: "^provider/libvirt/" },
      to: { path: "^(node_modules/)?koffi" },
    },
    {
      name: "libvirt-room-by-itself",
      comment:
        "provider/libvirt is usable alone, as pulumi-virtnet/libvirt: it knows nothing of the rest of the house.",
      severity: "error",
      from: { path: "^provider/libvirt/" },
      to: { path: "^(provider|sdk|cli|sandbox)/", pathNot: "^provider/libvirt/" },
    },
    {
      name: "pure-network",
      comment: "Modes, parts, rules, documents and plans are pure: libvirt's types, but none of its code.",
      severity: "error",
      from: { path: pureNetwork },
      to: { path: "^provider/(libvirt|host)/", ...types },
    },
    {
      name: "pure-network-without-machine",
      comment: "What is pure neither reads files nor runs commands.",
      severity: "error",
      from: { path: pureNetwork },
      to: { path: "^(node:)?(fs|fs/promises|child_process|net|http|https|worker_threads)$", ...types },
    },
    {
      name: "sdk-thin",
      comment: "A Pulumi program loads the resource classes and nothing of the provider, except its types.",
      severity: "error",
      from: { path: "^sdk/" },
      to: { path: "^(provider|cli|sandbox)/", ...types },
    },
    {
      name: "sdk-packages",
      comment: "The SDK needs @pulumi/pulumi and no other package.",
      severity: "error",
      from: { path: "^sdk/" },
      to: { path: "^node_modules/", pathNot: "^node_modules/@pulumi/pulumi/", ...types },
    },
    {
      name: "provider-is-below",
      comment: "The provider is used by the others and uses none of them.",
      severity: "error",
      from: { path: "^provider/" },
      to: { path: "^(sdk|cli|sandbox|test|bench)/" },
    },
    {
      name: "sandbox-without-networks",
      comment: "Throwaway hosts must not depend on the code they are there to test.",
      severity: "error",
      from: { path: "^sandbox/" },
      to: { path: "^(provider/(network|hostlink|vminterface|dynamic)|sdk|cli|test|bench)" },
    },
    {
      name: "cli-without-sdk",
      comment: "The command line works where no Pulumi is installed.",
      severity: "error",
      from: { path: "^cli/" },
      to: { path: "^(sdk|test|bench)/|^(node_modules/)?@pulumi/" },
    },
    {
      name: "tests-only-by-tests",
      comment: "Test helpers stay in the tests.",
      severity: "error",
      from: { pathNot: "^(test|bench)/" },
      to: { path: "^test/" },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: ["node_modules"] },
    exclude: { path: ["/fixtures/", "^dist/"] },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
