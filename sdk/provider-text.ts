/**
 * What the stack's state keeps of the provider: a text that the provider process runs in the program's folder.
 *
 * It stands in every state for as long as the resource lives, so it is as thin as can be and never changes
 * (test/unit/sdk/provider-text.test.ts). The name behind it is frozen: see provider/dynamic-v1.ts.
 */
export const providerText = (entry: string): string =>
  `exports.handler=()=>require("pulumi-virtnet/dynamic-v1").${entry}`;
