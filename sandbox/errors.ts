/** What a user can mend: shown without a stack trace. */
export class SandboxError extends Error {
  override name = "SandboxError";
}

/** A name that no sandbox can have. */
export class SandboxNameError extends SandboxError {}
