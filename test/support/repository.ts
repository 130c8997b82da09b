/** The repository's folder; tests run from dist/test/…. */
import * as path from "node:path";

export const repository = path.resolve(__dirname, "../../..");
