/**
 * A command as text for a POSIX shell: each word in single quotes, in which every character but the quote itself is
 * plain. The one place where words become shell text; test/unit/host/quote.test.ts holds it against a real shell.
 */
export function shellText(argv: readonly string[]): string {
  return argv.map(shellWord).join(" ");
}

function shellWord(word: string): string {
  // No argument can hold it (execve takes C strings), and a shell would drop it silently.
  if (word.includes("\0")) throw new Error("a word of a command cannot hold a NUL character");
  return `'${word.replaceAll("'", "'\\''")}'`;
}
