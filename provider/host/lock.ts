/**
 * Locks on a host, so that one run at a time changes something there, whichever machine the run is on: file locks (flock(2)). A
 * program that stays there takes them for us, one set after another, since to start one for each would take longer than to move
 * a NIC. It ends with this process, however that ends, and its locks are free then.
 */
import { VirtnetError } from "../handler.js";
import { type Channel, whyFailed } from "./channel.js";
import { ANSWER, type Talk } from "./kept.js";
import { shellText } from "./quote.js";

export interface Held {
  /** Of its file in /run; letters, digits, `.`, `_` and `-`. */
  name: string;
  /** What is locked, for messages: `network "dev"`. */
  what: string;
  /** Others may share it; default: nobody else has it. */
  shared?: boolean;
  /** Nobody needs the lock once the work is done: its file goes then. Not with `shared`. */
  last?: boolean;
}

export interface Locks {
  /** Seven at most. */
  held: readonly Held[];
  /** How long another run is waited for, in s. */
  waitS: number;
  /** Who cannot have them (no flock, not root) is told why, and works without; default: the work is refused. */
  without?: (why: string) => void;
}

/**
 * Shells of a host at most: each is a session of its ssh connection, which has ten (MaxSessions, sshd_config(5)). One is the errands',
 * the rest is for what runs meanwhile.
 */
const MOST = 6;
/** A shell ends after so long, in s, since its machine may have gone away; one that is older than the second, in ms, takes no more locks. */
const LIFE_S = 1500;
const RETIRE_MS = 300_000;
/** How long the removal of a lock's file may take. */
const END_MS = 10_000;
/** How long a host that cannot lock is not asked again, in ms: it may take its time to say so. */
const UNABLE_MS = 60_000;

const FOLDER = "/run";
const fileOf = (name: string): string => `${FOLDER}/virtnet-${name}.lock`;

/** How flock ends where another one has the lock too long, and what is said where its file is another one by then. */
const BUSY = 75;
const REMOVED = 76;

/**
 * Reads `SECONDS KIND:NAME …`, and answers with flock(1)'s exit code and the file. It lets go at the next line, or at the end; what that
 * line names is removed first, which is answered. Without a module, since Fedora packs each by itself; LOCK_SH is 1, LOCK_EX 2, LOCK_NB 4.
 */
const PERL = `$| = 1;
print "${ANSWER}\n";
my @have;
sub take {
  my ($until, @locks) = @_;
  for (@locks) {
    my ($kind, $name) = split /:/;
    my ($file, $how) = ("${fileOf("$name")}", $kind eq "s" ? 1 : 2);
    my $lock;
    if (!open $lock, ">>", $file) { print "$file: $!\n"; return (1, $file); }
    if (!flock $lock, $how | 4) {
      my $left = $until && $until - time;
      $left = 1 if $until && $left < 1;
      my $got = $left && eval { local $SIG{ALRM} = sub { die }; alarm $left; my $is = flock $lock, $how; alarm 0; $is };
      if (!$got) { return (${BUSY}, $file); }
    }
    my ($mine, $there) = (join(" ", (stat $lock)[0, 1]), join(" ", (stat $file)[0, 1]));
    if ($mine ne $there) { return (${REMOVED}, $file); }
    push @have, $lock;
  }
  return (0, "");
}
while (<STDIN>) {
  my ($wait, @locks) = split;
  my ($code, $file);
  for my $try (0 .. 20) {
    ($code, $file) = take($wait && time + $wait, @locks);
    last if $code == 0;
    @have = ();
    last if $code != ${REMOVED};
  }
  print "${ANSWER}$code $file\n";
  next if $code;
  my $over = <STDIN>;
  my @over = split " ", defined $over ? $over : "";
  unlink "${fileOf("$_")}" for @over;
  @have = ();
  print "${ANSWER}\n" if @over;
}`;

/**
 * The same by perl where that starts, which most hosts have, within a tenth of the time; else by flock(1). That one is asked for all at
 * the same time, since it takes longer to start than to have its lock. What a user's perl shall load may be missing for root's. `command` keeps the shell where a file cannot be made.
 */
const PROGRAM = `exec 2>&1
unset PERL5OPT PERL5LIB
if perl -e 1 > /dev/null 2>&1; then exec ${shellText(["perl", "-e", PERL])}; fi
echo "${ANSWER}"
take() {
  n=3 code=0 failed= asked=
  for lock in $locks; do
    name=\${lock#?:} file=${fileOf("$name")}
    if ! command eval "exec $n>> $file"; then code=1 failed=$file; break; fi
    flock "-\${lock%%:*}" -w "$wait" -E ${BUSY} "$n" &
    asked="$asked $!:$n:$file" n=$((n + 1))
  done
  for one in $asked; do
    file=\${one#*:*:} n=\${one#*:} n=\${n%%:*}
    got=0
    wait "\${one%%:*}" || got=$?
    [ "$got" != 0 ] || [ "$file" -ef "/proc/self/fd/$n" ] || got=${REMOVED}
    [ "$got" = 0 ] || code=$got failed=$file
  done
  [ "$code" = 0 ] || free
}
free() { exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; }
while read -r wait locks; do
  take
  tries=0
  while [ "$code" = ${REMOVED} ] && [ "$tries" -lt 20 ]; do tries=$((tries + 1)); take; done
  echo "${ANSWER}$code $failed"
  [ "$code" = 0 ] || continue
  read -r over
  for name in $over; do rm -f "${fileOf("$name")}"; done
  free
  [ -z "$over" ] || echo "${ANSWER}"
done`;

interface Shell {
  talk: Talk;
  /** Until when it takes locks. */
  until: number;
  /** It was not asked yet. */
  fresh: boolean;
}

/** Those of one host. */
class Shells {
  readonly #channel: Channel;
  readonly #idle: Shell[] = [];
  readonly #waiting: (() => void)[] = [];
  #out = 0;
  /** It could not lock anything. */
  unable: { until: number; why: string } | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Of one shell, or where that has ended since, as the connection that it ran over may have, of another one. */
  async ask(line: string, limitMs: number): Promise<{ shell: Shell; answer: string | undefined }> {
    const shell = await this.#take();
    const { fresh } = shell;
    shell.fresh = false;
    const answer = await shell.talk.ask(line, limitMs);
    if (answer !== undefined || fresh) return { shell, answer };
    this.giveBack(shell);
    const other = await this.#take(true);
    other.fresh = false;
    return { shell: other, answer: await other.talk.ask(line, limitMs) };
  }

  /** @param anew one that has just been started, whatever there is. */
  async #take(anew = false): Promise<Shell> {
    while (this.#out >= MOST) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#out++;
    for (let shell = anew ? undefined : this.#idle.pop(); shell; shell = this.#idle.pop()) {
      if (shell.talk.alive && performance.now() < shell.until) return shell;
      shell.talk.end();
    }
    const talk = this.#channel.talk(["timeout", String(LIFE_S), "sh", "-c", PROGRAM]);
    return { talk, until: performance.now() + RETIRE_MS, fresh: true };
  }

  giveBack(shell: Shell): void {
    this.#out--;
    if (shell.talk.alive) this.#idle.push(shell);
    this.#waiting.shift()?.();
  }

  end(): void {
    for (const { talk } of this.#idle.splice(0)) talk.end();
  }
}

const shellsOf = new Map<string, Shells>();

/**
 * Runs `work` while nobody else has these.
 * @param work `free` lets go of them before its end; `locked`: false where they could not be had, and it works without.
 * Throws where another run has one of them too long.
 */
export async function holding<T>(
  uri: string,
  channel: Channel,
  { held, waitS, without }: Locks,
  work: (locked: boolean, free: () => void) => Promise<T>,
): Promise<T> {
  let shells = shellsOf.get(uri);
  if (!shells) {
    shells = new Shells(channel);
    shellsOf.set(uri, shells);
  }
  const unlocked = (why: string): Promise<T> => {
    if (!without) throw new VirtnetError(`${held[0]?.what} cannot be changed: no lock on the host: ${why}`);
    without(why);
    return work(false, () => undefined);
  };
  if (shells.unable && performance.now() < shells.unable.until) return await unlocked(shells.unable.why);
  const words = held.map(({ name, shared }) => `${shared ? "s" : "x"}:${name}`);
  const { shell, answer } = await shells.ask([waitS, ...words].join(" "), (waitS + 30) * 1000);
  const [code, file] = answer?.split(" ") ?? [];
  if (code === "0") return await whileHeld(shells, shell, held, work);
  shells.giveBack(shell);
  if (code === String(BUSY)) {
    const what = held.find(({ name }) => fileOf(name) === file)?.what;
    throw new VirtnetError(
      `${what} is being changed by another run, which has gone on for ${waitS} s (it has ${file} on the host): run this again when that has ended`,
    );
  }
  // What it said last: it may have failed before.
  const why = whyFailed(shell.talk.why.split("\n").at(-1) ?? "", Number(code ?? 128));
  if (code === undefined) shells.unable = { until: performance.now() + UNABLE_MS, why };
  return await unlocked(why);
}

async function whileHeld<T>(
  shells: Shells,
  shell: Shell,
  held: readonly Held[],
  work: (locked: boolean, free: () => void) => Promise<T>,
): Promise<T> {
  let mine = true;
  const over = held.flatMap(({ name, last }) => (last ? [name] : []));
  const free = () => {
    if (!mine) return;
    mine = false;
    shell.talk.tell("");
    shells.giveBack(shell);
  };
  try {
    const result = await work(true, free);
    if (mine && over.length > 0) {
      // It answers when they are gone. Where it does not, a file is left, which is nobody's.
      mine = false;
      await shell.talk.ask(over.join(" "), END_MS);
      shells.giveBack(shell);
    }
    return result;
  } finally {
    free();
  }
}

/** Ends what waits on hosts for the next lock. */
export function endLocks(): void {
  for (const shells of shellsOf.values()) shells.end();
  shellsOf.clear();
}
