/** Words that the calls of all kinds of objects share. */

/** How an object is named: by UUID where known (stable), else by its name. */
export type Ref = { uuid: string } | { name: string };

/** Which copy of a definition a call touches: that of the running object, the stored one, or both. */
export type Affect = "live" | "config" | "both";
