/** Imported arguments as a Pulumi program. Pure. */
import type { Inputs } from "../../provider/handler.js";
import { literal } from "./literal.js";
import { variableName } from "./variable-name.js";

/** @param type the class of the SDK. The resource is named like the object, so `name` need not be said. */
export function programOf(type: string, { name, ...args }: Inputs): string {
  const variable = variableName(String(name), type);
  return `import * as virtnet from "pulumi-virtnet";\n\nconst ${variable} = new virtnet.${type}(${JSON.stringify(name)}, ${literal(args, { whole: true })});\n`;
}
