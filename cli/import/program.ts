/** Imported arguments as a Pulumi program. Pure. */
import type { Inputs } from "../../provider/handler.js";
import { literal } from "./literal.js";
import { variableName } from "./variable-name.js";

interface Resource {
  /** Its name in the program; where the arguments have a name, that of the object. */
  resource: string;
  args: Inputs;
}

/** @param type the class of the SDK. A network's resource is named like the object, so `name` need not be said. */
export function programOf(type: string, resources: readonly Resource[]): string {
  const made = resources.map(({ resource, args: { name: _, ...args } }) => {
    const variable = variableName(resource, type);
    return `const ${variable} = new virtnet.${type}(${JSON.stringify(resource)}, ${literal(args, { whole: true })});\n`;
  });
  return `import * as virtnet from "pulumi-virtnet";\n\n${made.join("\n")}`;
}
